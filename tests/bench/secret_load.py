"""The load of `stream_load` as SRTP: encrypted when sent, and what comes back must be authentic."""

import socket

import numpy as np
import numpy.typing as npt
from pylibsrtp import Error, Policy, Session

from rtp.keys import LENGTHS, Keys
from tests.bench.stream_load import BATCH, PACKET, Batch, Load


def keys(suite: int) -> Keys:
    """Return the keys of every row: all streams have SSRCs of their own."""
    return Keys(suite, bytes([1]) * LENGTHS[suite], bytes([2]) * LENGTHS[suite])


class SecretLoad(Load):
    """All far ends encrypt with one key and expect another."""

    def __init__(self, sockets: list[socket.socket], ends: list[list[tuple[str, int]]], suite: int) -> None:
        super().__init__(sockets, ends)
        ours = keys(suite)
        self._out = Session(Policy(ours.receive, Policy.SSRC_ANY_OUTBOUND, srtp_profile=suite))
        self._in = Session(Policy(ours.send, Policy.SSRC_ANY_INBOUND, srtp_profile=suite))

    def send(self, batch: Batch, one: socket.socket) -> int:
        """Encrypt and send, each by itself."""
        for packet, target in zip(batch.data, batch.targets, strict=True):
            one.sendto(self._out.protect(packet.tobytes()), target)
        return batch.count

    def receive(self, one: socket.socket) -> npt.NDArray[np.void]:
        """Take at most BATCH packets; what is not authentic comes out empty."""
        found: list[bytes] = []
        while len(found) < BATCH:
            try:
                data = one.recv(2048)
            except BlockingIOError:
                break
            try:
                found.append(self._in.unprotect(data))
            except Error:
                found.append(bytes(PACKET.itemsize))
        return np.frombuffer(b"".join(found), PACKET)
