"""One end of a call in the portable tier: two sockets, the row they follow, what was learned and counted.

The state of an End is which of its methods stands in `Loop.handlers` for its RTP socket:

    _parked     no row: the socket is connected to itself, so the kernel refuses everybody
    _learn      row, source unknown: recvfrom, every datagram judged by source
    _verify     source locked and the socket connected, but what was queued before may still be foreign
    _relay      source locked, queue known to be clean: recv_into, send; the kernel keeps everybody else out

A socket goes back to unconnected with connect(AF_UNSPEC): it keeps its port and its queue, so a learning
window loses no packet. (Measured: 6 us, no packet lost at 20,000 packets/s; close-and-rebind: 16 us, refuses
what comes meanwhile, may lose the port.) Python's socket module cannot say that: the loop is handed one.
"""

from __future__ import annotations

import socket

from rtp import control
from rtp.keys import Keys
from rtp.learning import Learning
from rtp.packet import EVENT_SIZE, HEADER, HEADER_SIZE, payload_start, routine, sound
from rtp.plan import CLOSED, EXACT, Row
from rtp.reception import Reception
from rtp.rtcp import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rtp.guarded import Guarded
    from rtp.learning import Source
    from rtp.loop import Loop
    from rtp.overhear import Overheard
    from rtp.rooms import Rooms
    from rtp.srtp import Srtp

QUEUE = 64  # datagrams taken from one unlocked socket per turn
BUFFER = 4096  # a datagram that fills it is longer than any RTP packet should be
SETTLE = 0.1  # seconds after locking in which the kernel may still have queued a foreign packet
SENDS, RECEIVES = 1, 2  # bits of Row.direction
_unpack = HEADER.unpack_from


def _address(packed: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


class End:
    """One end of a call: two sockets, the row they follow, and what was learned and counted."""

    __slots__ = (
        "_armed", "_buffer", "_clock", "_host", "_learning", "_loop", "_map", "_names", "_plain", "_quiet",
        "_reported", "_rtcp", "_rtcp_peer", "_rtcp_target", "_rtp", "_settled", "_target", "_view",
        "_watched", "bad", "forbidden", "foreign", "guard", "heard", "hears", "octets", "overheard",
        "packets", "pass_on", "peer", "port", "reception", "relayed", "rooms", "route", "row", "rtcp_count",
        "sent", "size", "srtp", "undelivered",
    )  # fmt: skip

    row: Row | None
    rooms: Rooms | None  # where its packets go instead, if the row has a seat
    route: End | None  # where its packets go: the partner, if that names this end too
    peer: Source | None  # the locked source
    relayed: bool  # the kernel has what comes from here, but for what is not routine
    _rtcp_peer: Source | None
    _target: tuple[str, int] | None  # the description's address
    _rtcp_target: tuple[str, int] | None
    _map: bytes | None
    overheard: Overheard | None  # what it says about what it hears
    srtp: Srtp | None
    guard: Guarded | None  # where the far end has to prove who it is
    pass_on: Callable[[memoryview], object]  # to the locked peer, encrypted where it has keys; raises OSError

    def __init__(self, loop: Loop, port: int, rtp: socket.socket, rtcp: socket.socket) -> None:
        self.port = port
        self.size = 4 if rtp.family == socket.AF_INET else 16  # octets of an address it can reach
        self._loop = loop
        self._buffer = loop.buffer
        self._view = loop.view
        self._rtp = rtp
        self._rtcp = rtcp
        self._names = rtp.getsockname(), rtcp.getsockname()
        self._watched = False
        self.row = self.route = self.guard = None
        self.relayed = False
        self._forget()
        self._park()

    @property
    def local(self) -> str:
        """Our address towards the peer, or the one that is listened on."""
        host: str = self._rtp.getsockname()[0]
        return host

    # -- the plan

    def put(self, row: Row) -> None:
        """Follow a row, new or changed."""
        old = self.row
        self.row = row
        if old is None:
            self._forget()
            self._unpark()
        elif row.window != old.window:
            self._reopen()
        if old is None or not old.direction & SENDS:
            self._armed = self._loop.now  # silence counts from when it may speak
            self._reported = self._quiet = False
        self._host = _address(row.host) if row.host else ""
        self._target = (self._host, row.rtp) if row.host and row.rtp else None
        self._rtcp_target = (self._host, row.rtcp) if row.host and row.rtcp else None
        self._map = row.payload_table()
        if row.srtp != (old.srtp if old is not None else b""):
            self._secure(row.srtp)
        if row.link or self.guard is not None:
            self._watch_over(row)
        self.hears = bool(row.direction & RECEIVES)
        self._clock = row.clock
        plain = row.direction & SENDS and self._map is None and not row.srtp and not row.link
        self._plain = routine(row.event) if plain else bytes(256)
        if self.peer is None and self.guard is None:
            if row.source is not None:
                self._lock((_address(row.source[0]), row.source[1]))
            elif row.learning == EXACT and self._target is not None:
                self._lock(self._target)

    def remove(self) -> None:
        """Follow no row and hear nobody."""
        self.row = None
        if self.guard is not None:
            self.guard.close()
        for one in (self._rtp, self._rtcp):
            self._loop.handlers[one.fileno()] = self._parked
        self._park()

    def close(self) -> None:
        """Give both ports back."""
        self._rtp.close()
        self._rtcp.close()

    def _forget(self) -> None:
        self.peer = self._rtcp_peer = self.rooms = self.guard = None
        self._learning = Learning()
        self._target = self._rtcp_target = self._map = self.srtp = None
        self.pass_on = self._rtp.send
        self._host = ""
        self._settled = 0.0  # until when a locked socket is still judged
        self._reported = self._quiet = False
        self.overheard = None
        self._armed = self.heard = self._loop.now
        self.reception = Reception()
        self.packets = self.octets = self.sent = self.rtcp_count = 0
        self.foreign = self.bad = self.forbidden = self.undelivered = 0

    def _park(self) -> None:
        for one, name in zip((self._rtp, self._rtcp), self._names, strict=True):
            try:
                one.connect(name)
            except OSError:
                self._loop.failed += 1

    def _parked(self) -> None:
        """Take what a parked socket still has: a queued packet, or the error that a packet met."""
        self._drain(self._rtp)
        self._drain(self._rtcp)

    def _unpark(self) -> None:
        for one, handler in ((self._rtp, self._learn), (self._rtcp, self._report)):
            self._loop.disconnect(one)
            self._drain(one)
            if self._watched:  # for good, once it was used: each change there costs more than a packet
                self._loop.handlers[one.fileno()] = handler
            else:
                self._loop.watch(one.fileno(), handler)
        self._watched = True

    def _drain(self, one: socket.socket) -> None:
        """Throw away what reached the port before its call; the receive buffer bounds the work."""
        for _ in range(BUFFER):
            try:
                one.recv_into(self._buffer)
            except BlockingIOError:
                return
            except OSError:
                self._loop.refused += 1

    def _secure(self, keys: bytes) -> None:
        """Encrypt and decrypt from now on, go on with other keys, or no longer."""
        if not keys:
            self.srtp, self.pass_on = None, self._rtp.send
            return
        self.srtp, self.pass_on = self._loop.srtp(self.port), self._pass_sealed
        self.srtp.follow(Keys.parse(keys))

    def _watch_over(self, row: Row) -> None:
        """Have a guard decide from now on who the far end is, or no longer."""
        if not row.link:
            if self.guard is not None:
                self.guard.close()
            self.guard = None
            self._secure(row.srtp)
            self._reopen()
            return
        if self.guard is None:
            from rtp.guarded import Guarded

            if self.peer is not None:
                self._loop.disconnect(self._rtp)
            self.peer = self._rtcp_peer = None
            self.guard = Guarded(self._loop, self, self._rtp, self._opened, self._judge)
        self.guard.take_over(row)
        self._target = self._rtcp_target = None  # only who has proven to be the far end is sent anything

    def _pass_sealed(self, packet: memoryview) -> None:
        assert self.srtp is not None  # noqa: S101  # it stands there with its keys only
        self._rtp.send(self.srtp.protect(bytes(packet)))

    def _opened(self, size: int) -> int:
        """Return the size of the buffer's datagram once it is decrypted where it has to be; -1: refused."""
        if self.srtp is None or size >= BUFFER:
            return size
        return self.srtp.open(self._buffer, size)

    def _reopen(self) -> None:
        """Open a learning window: anybody may be the source, but for a while not the one being left."""
        if self.peer is not None:
            self._loop.disconnect(self._rtp)
        self._learning = Learning(self.peer, self._loop.now)
        self.peer = self._rtcp_peer = None
        self._loop.handlers[self._rtp.fileno()] = self._learn
        self._loop.follow(self)

    def _lock(self, source: Source) -> bool:
        try:
            self._rtp.connect(source)
        except OSError:
            self._loop.failed += 1
            return False
        self.peer = source
        self._settled = self._loop.now + SETTLE
        self._loop.handlers[self._rtp.fileno()] = self._verify
        if source[0] != self._host:
            self._rtcp_target = None  # behind a NAT: the described RTCP address leads nowhere
        self._loop.follow(self)
        return True

    # -- RTP in

    def _relay(self) -> None:
        """Take one datagram from a connected socket whose queue is clean; what is plain goes its way here."""
        buffer, loop, route = self._buffer, self._loop, self.route
        try:
            size = self._rtp.recv_into(buffer)
        except BlockingIOError:
            return
        except OSError:
            loop.refused += 1  # an ICMP error that an earlier send brought back
            return
        first, second, sequence, timestamp, ssrc = _unpack(buffer)
        plain = first == 0x80 and HEADER_SIZE <= size < BUFFER and self._plain[second]
        if not plain or route is None or route.peer is None or not route.hears:
            self._accept(size)
            return
        now = self.heard = loop.now
        self.packets += 1
        self.octets += size - HEADER_SIZE
        self.reception.update(ssrc, sequence, timestamp, int(now * self._clock))
        try:
            route.pass_on(self._view[:size])
        except OSError as error:
            route.failed(error)
            self.undelivered += 1
        else:
            route.sent += 1
            loop.forwarded += 1

    def _verify(self) -> None:
        """Take datagrams from a locked socket, judging their source until nothing old can be queued."""
        for _ in range(QUEUE):
            try:
                size, source = self._rtp.recvfrom_into(self._buffer)
            except BlockingIOError:
                if self._loop.now >= self._settled:
                    self._loop.handlers[self._rtp.fileno()] = self._relay
                return
            except OSError:
                self._loop.refused += 1
                continue
            if self.peer is None or source[:2] != self.peer[:2]:
                self.foreign += 1
                self._loop.foreign += 1
            else:
                self._accept(size)

    def _learn(self) -> None:
        """Take datagrams from an unconnected socket until one comes from a valid source."""
        now = self._loop.now
        for _ in range(QUEUE):
            try:
                size, source = self._rtp.recvfrom_into(self._buffer)
            except BlockingIOError:
                return
            except OSError:
                self._loop.refused += 1
                continue
            row = self.row
            _, _, sequence, _, ssrc = _unpack(self._buffer)
            if row is None or size >= BUFFER or not sound(self._buffer, size):
                self.bad += 1
                self._loop.bad += 1
            elif self._learning.valid(row, self._host, source, (ssrc, sequence), now):
                size = self._opened(size)  # who has no key is nobody's source
                if size >= 0 and self._lock(source):
                    host = socket.inet_pton(self._rtp.family, source[0])
                    self._loop.tell(control.Learned(self.port, row.window, host, source[1]))
                    self._judge(size)
                    self._verify()
                    return
                self.bad += size < 0
                self._loop.bad += size < 0
            else:
                self.foreign += 1
                self._loop.foreign += 1

    def _accept(self, size: int) -> None:
        """Decrypt one datagram from the locked source where that is due, and judge it."""
        size = self._opened(size)
        if size < 0:
            self.bad += 1
            self._loop.bad += 1
        else:
            self._judge(size)

    def _judge(self, size: int) -> None:
        """Judge and pass on one datagram from the locked source, which is in the clear."""
        loop = self._loop
        buffer = self._buffer
        row = self.row
        if row is None:
            return
        first, second, sequence, timestamp, ssrc = _unpack(buffer)
        start = HEADER_SIZE if first == 0x80 and size >= HEADER_SIZE else payload_start(buffer, size)
        if 192 <= second <= 223:  # RFC 5761: an RTCP type where RTP would have marker and payload type 64-95
            if row.mux and size < BUFFER and whole(buffer, size):
                self._pass_report(size)
                return
            start = -1
        if start < 0 or size >= BUFFER or (second & 127 == row.event and size - start < EVENT_SIZE):
            self.bad += 1
            loop.bad += 1
            return
        self.heard = loop.now
        if not row.direction & SENDS:
            self.forbidden += 1
            loop.forbidden += 1
            return
        if not self.relayed or second & 127 != row.event:  # else the kernel has counted it
            self.packets += 1
            self.octets += size - start
            self.reception.update(ssrc, sequence, timestamp, int(loop.now * row.clock))
        if self._map is not None:
            buffer[1] = self._map[second]
        route = self.route
        if self.rooms is not None:
            self.rooms.take(self.port, buffer, size, loop.now)
        elif route is None:
            self.undelivered += 1
            loop.unrouted += 1
        elif route.transmit(size):
            loop.forwarded += 1
        else:
            self.undelivered += 1

    # -- RTP out

    def transmit(self, size: int) -> bool:
        """Send the buffer's first bytes to this end's far end, if it is known and may be sent to."""
        loop = self._loop
        row = self.row
        try:
            if row is None or not self.hears:
                loop.unrouted += 1
            elif self.peer is not None:
                self.pass_on(self._view[:size])
                self.sent += 1
                return True
            elif self._target is not None and row.learning != CLOSED:
                packet = self._view[:size]
                sealed = packet if self.srtp is None else self.srtp.protect(bytes(packet))
                self._rtp.sendto(sealed, self._target)
                self.sent += 1
                return True
            else:
                loop.unrouted += 1
        except OSError as error:
            self.failed(error)
        return False

    def send(self, packet: bytes) -> None:
        """Send a packet of our own making."""
        size = len(packet)
        self._view[:size] = packet
        self.transmit(size)

    def failed(self, error: OSError) -> None:
        """Count a packet that could not be sent to this end's far end."""
        if isinstance(error, BlockingIOError):
            self._loop.congested += 1
        elif isinstance(error, ConnectionRefusedError):
            self._loop.refused += 1
        else:
            self._loop.failed += 1

    # -- RTCP

    def _report(self) -> None:
        """Take one datagram from the RTCP socket; it follows the RTP source's host, locks its first port."""
        try:
            size, source = self._rtcp.recvfrom_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            self._loop.refused += 1
            return
        if self.peer is None or source[0] != self.peer[0] or self._rtcp_peer not in {None, source}:
            self.foreign += 1
            self._loop.foreign += 1
            return
        size = self._opened(size)
        if size < 0 or size >= BUFFER or not whole(self._buffer, size):
            self.bad += 1
            self._loop.bad += 1
        else:
            self._rtcp_peer = source
            self._pass_report(size)

    def _pass_report(self, size: int) -> None:
        self.heard = self._loop.now
        if self._loop.monitor:
            self._overhear(size)
        if self.route is not None and self.route.transmit_report(size):
            self.rtcp_count += 1
            self._loop.forwarded += 1

    def _overhear(self, size: int) -> None:
        if self.overheard is None:
            from rtp.overhear import Overheard

            self.overheard = Overheard()
        other = self.route.overheard if self.route is not None else None
        self.overheard.take(bytes(self._view[:size]), other, self._loop.now)

    def transmit_report(self, size: int) -> bool:
        """Send the buffer's first bytes as RTCP to this end's far end; RTCP flows whatever the direction."""
        row = self.row
        target = self._rtcp_peer or self._rtcp_target
        report: memoryview | bytes = self._view[:size]
        try:
            if row is None or row.learning == CLOSED:
                return False
            if self.srtp is not None:
                report = self.srtp.protect_report(bytes(report))
            if row.mux and self.peer is not None:
                self._rtp.sendto(report, self.peer)
            elif target is not None and not row.mux:
                self._rtcp.sendto(report, target)
            else:
                return False
        except OSError:
            self._loop.failed += 1
            return False
        return True

    def check_silence(self, now: float) -> None:
        """Report a far end that may send and does not: after QUIET seconds, and after those of its row."""
        row = self.row
        if self.guard is not None:
            self.guard.watch(now)
        if row is None or not row.silence or not row.direction & SENDS:
            return
        if self.relayed and self._loop.fast is not None:
            self.heard = max(self.heard, self._loop.fast.seen(self).heard)
        silence = now - max(self.heard, self._armed)
        if silence < control.QUIET:
            self._quiet = False
        elif not self._quiet:
            self._quiet = True
            self._loop.tell(control.Quiet(port=self.port))
        if silence < row.silence:
            self._reported = False
        elif not self._reported:
            self._reported = True
            self._loop.tell(control.Timeout(port=self.port))

    def hand_over(self, relayed: bool) -> None:
        """Note that the kernel has taken over what comes from here, or given it back."""
        if relayed is not self.relayed:
            self.relayed = relayed
            self.reception.pause()
