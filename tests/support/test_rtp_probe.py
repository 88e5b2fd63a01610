"""The probe sees what a bad path does."""

import asyncio
import socket

from tests.support import rtp_probe
from tests.support.rtp_probe import Probe, Stream


def test_the_direct_path_loses_nothing() -> None:
    streams = rtp_probe.direct(2)
    results = asyncio.run(rtp_probe.run(streams, 0.3))
    rtp_probe.close(streams)
    assert [(result.sent, result.lost, result.duplicates, result.reordered) for result in results] == [
        (15, 0, 0, 0)
    ] * 4
    assert all(0 <= result.p50 <= result.p99 <= result.worst for result in results)


def test_a_process_of_its_own() -> None:
    streams = rtp_probe.direct(10)
    result = asyncio.run(rtp_probe.load(streams, 0.3))
    rtp_probe.close(streams)
    assert (result.sent, result.lost, result.foreign) == (300, 0, 0)


def test_loss_order_duplicates_and_strangers_are_seen() -> None:
    """A bad path: every 10th lost, the 5th late, the 7th twice, one stranger."""
    one, other, path = rtp_probe.open_socket(), rtp_probe.open_socket(), rtp_probe.open_socket()
    probe = Probe([Stream(one, path.getsockname(), other)], 1.0)
    now = 100.0
    while True:
        deadline = probe.step(now)
        if probe.streams[0].sent == 50:
            break
        assert deadline is not None
        now = deadline
    data = []
    while True:
        try:
            data.append(path.recv(2048))
        except BlockingIOError:
            break
    data[5], data[6] = data[6], data[5]
    for number, packet in enumerate(data):
        for _ in range(0 if number % 10 == 9 else 2 if number == 7 else 1):
            path.sendto(packet, other.getsockname())
    path.sendto(b"stranger", other.getsockname())
    assert probe.step(now + 0.1) is not None
    [result] = probe.results()
    assert (result.sent, result.lost, result.duplicates, result.reordered, result.foreign) == (50, 5, 1, 1, 1)
    assert probe.step(now + 2) is None
    for sock in (one, other, path):
        assert isinstance(sock, socket.socket)
        sock.close()
