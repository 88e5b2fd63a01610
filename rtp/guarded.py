"""An end whose far end has to prove who it is before it is heard or told anything: by ICE and DTLS-SRTP.

Its socket stays unconnected: a far end may move as long as it proves to be the same. Every datagram is told
apart by its first octet (RFC 7983); media is taken from the one proven place only. What does not prove itself
is counted and not answered. Loaded with the first row that has a link.
"""

from __future__ import annotations

import socket

from rtp import control
from rtp.dtls import Doorkeeper, Handshake, hello
from rtp.ice import Agent
from rtp.keys import Keys
from rtp.link import ACTIVE, WAITING, Link
from rtp.plan import ANY, CLOSED, Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rtp.end import End
    from rtp.loop import Loop

    Place = tuple[str, int]

QUEUE = 64  # datagrams taken per turn
RATE, BURST = 0.5, 4.0  # handshakes begun a second, and at once
STALE = 5.0  # seconds after which a handshake with one place may be given up for another
_STUN, _DTLS, _MEDIA = 4, 20, 64  # first octets: STUN is below 4, DTLS from 20 to 63, nothing else below 64


class Guarded:
    """The guard of one end. `read` is the handler of its RTP socket, `pass_on` what it sends through.

    `opened` and `judge` are the end's: decrypt the loop's buffer, take what is in the clear.
    """

    __slots__ = (
        "_agent", "_begun", "_budget", "_end", "_handshake", "_host", "_judge", "_keeper", "_keyed", "_link",
        "_loop", "_opened", "_row", "_rtp", "_shaking", "_since", "_waiting",
    )  # fmt: skip

    def __init__(
        self,
        loop: Loop,
        end: End,
        rtp: socket.socket,
        opened: Callable[[int], int],
        judge: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._end = end
        self._rtp = rtp
        self._opened = opened
        self._judge = judge
        self._budget, self._since = BURST, loop.now
        self._waiting = False
        self._row: Row | None = None
        self._link = Link(0, 0, b"")
        self._host = ""
        self._agent: Agent | None = None
        self._keeper: Doorkeeper | None = None
        self._forget()

    def _forget(self) -> None:
        self._loop.shaking.discard(self)
        self._handshake: Handshake | None = None
        self._shaking: Place | None = None  # with whom
        self._begun = 0.0
        self._keyed = False
        self._agent = self._keeper = None

    def close(self) -> None:
        """Guard nobody any more."""
        self._forget()
        self._resume()

    def _wait(self) -> None:
        """Leave in the socket what comes before the answer to our offer: it may be its first word."""
        if not self._waiting:
            self._waiting = True
            self._loop.epoll.unregister(self._rtp.fileno())

    def _resume(self) -> None:
        if self._waiting:
            self._waiting = False
            self._loop.watch(self._rtp.fileno(), self.read)

    # -- the plan

    def take_over(self, row: Row) -> None:
        """Follow a row that has a link, new or changed; what the end sends and hears goes this way."""
        end, loop = self._end, self._loop
        end.pass_on = self.pass_on
        if Link.parse(row.link).association == WAITING:
            end.srtp = loop.new_srtp(end.port)
            self._forget()
            self._wait()
            return
        self._resume()
        end.srtp = loop.srtp(end.port) if self._follow(row) else loop.new_srtp(end.port)
        if row.srtp:
            end.srtp.follow(Keys.parse(row.srtp))
        loop.handlers[self._rtp.fileno()] = self.read

    def _follow(self, row: Row) -> bool:
        """Follow a row; return whether the keys that there are may be used on."""
        link, end, now = Link.parse(row.link), self._end, self._loop.now
        old = self._row
        same = old is not None and self._link.association == link.association
        self._row, self._link = row, link
        self._host = _text(row.host) if row.host else ""
        if not same:
            self._forget()
            self._keyed = bool(row.srtp)
            end.peer = (_text(row.source[0]), row.source[1]) if row.source and self._keyed else None
        elif old is not None and old.window != row.window and not link.ice:
            end.peer = None
        if not link.ice:
            self._agent = None
        elif self._agent is None:
            self._agent = Agent(link, now, end.peer and (end.peer[0], end.peer[1]))
        else:
            self._agent.follow(link)
        if link.role == ACTIVE and not link.ice and self._host and row.rtp and row.learning != CLOSED:
            self._call((self._host, row.rtp))
        return self._keyed

    def watch(self, now: float) -> None:
        """Stop sending to a far end that does not show any more that it wants it (RFC 7675)."""
        agent = self._agent
        if self._handshake is not None and self._handshake.over(now):
            self._handshake = None
        if agent is not None and agent.selected is not None:
            agent.proved(max(agent.alive, self._end.heard))
            if not agent.consents(now):
                agent.selected = self._end.peer = None

    def tick(self, now: float) -> None:
        """Go on with a handshake whose time has come."""
        if self._handshake is not None and self._shaking is not None:
            self._send(self._handshake.tick(now), self._shaking)
            self._look(self._handshake)

    @property
    def due(self) -> float:
        """When `tick` has something to do."""
        handshake = self._handshake
        return handshake.due if handshake is not None and handshake.due is not None else self._loop.now

    # -- in

    def read(self) -> None:
        """Take what is there, told apart by the first octet."""
        loop, buffer = self._loop, self._loop.buffer
        for _ in range(QUEUE):
            try:
                size, source = self._rtp.recvfrom_into(buffer)
            except BlockingIOError:
                return
            except OSError:
                loop.refused += 1
                continue
            place = source[0], source[1]
            if size and buffer[0] < _MEDIA and size < len(buffer):
                self._prove(bytes(buffer[:size]), place)
            elif self._heeds(place):
                self._hear(size, place)
            else:
                self._stranger()

    def _heeds(self, place: Place) -> bool:
        """Whether media from a place is looked at: the peer's, or where that is learned by its key."""
        peer = self._end.peer
        if peer is not None:
            return place == (peer[0], peer[1])
        return self._keyed and self._agent is None and self._admits(place)

    def _admits(self, place: Place) -> bool:
        """Whether somebody at a place may prove to be the far end."""
        if self._agent is not None:
            return place in self._agent.proven
        row = self._row
        return row is not None and row.learning != CLOSED and (row.learning == ANY or place[0] == self._host)

    def _hear(self, size: int, place: Place) -> None:
        size = self._opened(size)
        if size < 0:
            self._bad()
        else:
            self._settle(place)
            self._judge(size)

    def _prove(self, datagram: bytes, place: Place) -> None:
        if datagram[0] < _STUN:
            self._check(datagram, place)
        elif datagram[0] < _DTLS or not self._admits(place):
            self._stranger()
        elif self._handshake is not None and place == self._shaking and not self._handshake.failed:
            self._send(self._handshake.receive(datagram, self._loop.now), place)
            self._look(self._handshake)
        elif self._link.role != ACTIVE:
            self._greet(datagram, place)

    def _check(self, datagram: bytes, place: Place) -> None:
        agent = self._agent
        if agent is None:
            self._stranger()
            return
        refused = agent.refused
        packed = socket.inet_pton(_family(place[0]), place[0])
        answer = agent.receive(datagram, place, packed, self._loop.now)
        if answer:
            self._send([answer], place)
        if agent.refused != refused:
            self._bad()
        if agent.selected is not None:
            if self._link.role == ACTIVE:
                self._call(agent.selected)
            if self._keyed:
                self._settle(agent.selected)

    # -- handshakes

    def _call(self, place: Place) -> None:
        """Begin a handshake as who begins, once."""
        if not self._keyed and self._handshake is None and self._loop.identity is not None and self._may():
            self._shake(Handshake(self._loop.identity, self._link, self._loop.now), place)

    def _greet(self, datagram: bytes, place: Place) -> None:
        """Take the begin of somebody's handshake; who was not proven by checks gets a cookie first."""
        loop, now = self._loop, self._loop.now
        shaking = self._handshake is not None and not self._handshake.failed
        busy = shaking and (self._keyed or (now - self._begun < STALE and place[0] != self._host))
        if busy or self._keyed or loop.identity is None or not hello(datagram):
            return
        if self._agent is not None:
            if self._may():
                self._shake(Handshake(loop.identity, self._link, now), place, datagram)
            return
        if self._keeper is None:
            self._keeper = Doorkeeper(loop.identity)
        answers, begun = self._keeper.admit(datagram, repr(place).encode())
        self._send(answers, place)
        if begun is not None and self._may():
            self._shake(Handshake(loop.identity, self._link, now, begun), place)

    def _may(self) -> bool:
        now = self._loop.now
        self._budget = min(BURST, self._budget + (now - self._since) * RATE)
        self._since = now
        if self._budget < 1:
            return False
        self._budget -= 1
        return True

    def _shake(self, handshake: Handshake, place: Place, datagram: bytes = b"") -> None:
        now = self._loop.now
        self._handshake, self._shaking, self._begun = handshake, place, now
        self._send(handshake.receive(datagram, now) if datagram else handshake.start(now), place)
        self._look(handshake)

    def _look(self, handshake: Handshake) -> None:
        """Note how far a handshake is."""
        if handshake.due is None:
            self._loop.shaking.discard(self)
        else:
            self._loop.shaking.add(self)
        if handshake.failed:
            self._handshake = self._shaking = None
            self._loop.unproven += 1
        elif handshake.keys is not None and not self._keyed and self._shaking is not None:
            self._keyed = True
            self._loop.srtp(self._end.port).follow(handshake.keys)
            self._loop.tell(control.Keyed(self._end.port, self._link.association, bytes(handshake.keys)))
            place = self._shaking if self._agent is None else self._agent.selected
            if place is not None:
                self._settle(place)

    def _settle(self, place: Place) -> None:
        """Let media go to a place, and come from it."""
        peer, row = self._end.peer, self._row
        if row is not None and (peer is None or place != (peer[0], peer[1])):
            self._end.peer = place
            packed = socket.inet_pton(_family(place[0]), place[0])
            self._loop.tell(control.Learned(self._end.port, row.window, packed, place[1]))
            self._loop.follow(self._end)

    # -- out

    def pass_on(self, packet: memoryview) -> None:
        """Send an RTP packet to the peer, encrypted; raises OSError."""
        end = self._end
        if end.srtp is None or end.peer is None:
            raise OSError("nobody has proven to be the far end")
        self._rtp.sendto(end.srtp.protect(bytes(packet)), end.peer)

    def _send(self, datagrams: Iterable[bytes], place: Place) -> None:
        try:
            for each in datagrams:
                self._rtp.sendto(each, place)
        except OSError as error:
            self._end.failed(error)

    def _stranger(self) -> None:
        self._end.foreign += 1
        self._loop.foreign += 1

    def _bad(self) -> None:
        self._end.bad += 1
        self._loop.bad += 1


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _text(packed: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
