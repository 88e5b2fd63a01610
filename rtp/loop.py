"""The portable tier: follows the forwarding plan with epoll and ordinary UDP sockets.

Every port of the pool is an `End` (`rtp.end`) with two sockets (RTP, RTCP), whose handlers one epoll calls.
Little is allocated per packet; a turn takes one datagram from at most TURN relaying sockets.
"""

from __future__ import annotations

import select
import time
from collections import deque

from rtp import control
from rtp.end import BUFFER, End
from rtp.figures import statistics
from rtp.pace import Pace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from rtp.control import Message
    from rtp.dtls import Identity
    from rtp.guarded import Guarded
    from rtp.kernel.tier import KernelTier
    from rtp.plan import Row
    from rtp.rooms import Rooms
    from rtp.srtp import Srtp

    Pair = tuple[socket.socket, socket.socket]

TURN = 256  # sockets served per turn
TICK = 1.0  # seconds between two looks at silent rows
EVENTS = 4096  # events kept for a reader that does not read


class Loop:
    """The pool of ends, one epoll, one buffer; driven by `turn()`.

    `pairs` are bound, non-blocking sockets (RTP, RTCP) keyed by RTP port, `others` those of the same ports
    and the other IP version. Edits are its methods; what there is to tell gathers in `events`. The function
    `disconnect` takes a socket's peer away. `rest` seconds are rested between turns while traffic is thick
    (`rtp.pace`).
    """

    def __init__(
        self,
        pairs: dict[int, Pair],
        disconnect: Callable[[socket.socket], None],
        clock: Callable[[], float] = time.monotonic,
        rest: float = 0.0,
        others: dict[int, Pair] | None = None,
    ) -> None:
        self.buffer = bytearray(BUFFER)
        self.view = memoryview(self.buffer)
        self.epoll = select.epoll()
        self.handlers: dict[int, Callable[[], None]] = {}
        self.events: deque[Message] = deque()
        self.fast: KernelTier | None = None
        self.monitor = False  # whether RTCP that passes is read
        self.disconnect = disconnect
        self._clock = clock
        self._pace = Pace(rest)
        self.now = clock()
        self._next_tick = self.now + TICK
        self.turns = self.forwarded = self.foreign = self.bad = self.forbidden = 0
        self.refused = self.congested = self.failed = self.unrouted = self.unknown = self.withheld = 0
        self.unproven = 0
        self.identity: Identity | None = None  # with whose certificate hands are shaken
        self.shaking: set[Guarded] = set()
        self._srtp: dict[int, Srtp] = {}  # by port: an end may give its row to one of the other IP version
        self.rooms: Rooms | None = None  # made when the first row has a seat
        self._active: dict[int, End] = {}
        self._ends = {port: End(self, port, *pair) for port, pair in pairs.items()}
        self._others = {port: End(self, port, *pair) for port, pair in (others or {}).items()}

    @property
    def ports(self) -> tuple[int, ...]:
        """RTP ports of the pool, ascending."""
        return tuple(sorted(self._ends))

    # -- edits

    def attach(self, fast: KernelTier) -> None:
        """Let the kernel relay what it can, calls that run included."""
        self.detach()
        self.fast = fast
        for end in self._active.values():
            fast.begin(end)
        for end in self._active.values():
            self.follow(end)
        fast.prune()

    def detach(self) -> None:
        """Take every call back; what the kernel saw of those that run is forgotten."""
        if self.fast is not None:
            self.fast.close()
            self.fast = None
            for end in self._active.values():
                end.hand_over(False)

    def follow(self, end: End) -> None:
        """Have the kernel relay an end and the one that sends to it, or no longer, as they now are."""
        if self.fast is not None:
            end.hand_over(self.fast.follow(end))
            if end.route is not None:
                end.route.hand_over(self.fast.follow(end.route))

    def put(self, row: Row) -> None:
        """Add or change a row."""
        end = self._ends.get(row.port)
        if end is None:
            self.unknown += 1
            return
        old = end.row
        other = self._others.get(row.port)
        if other is not None and row.host and len(row.host) != end.size:
            if old is not None:
                end.remove()
            self._ends[row.port], self._others[row.port] = other, end
            end = other
        if old is None and self.fast is not None:
            self.fast.begin(end)
        end.put(row)
        self._active[row.port] = end
        if row.seat or (old is not None and old.seat):
            self._seat(end, row)
        for port in {row.port, row.partner, old.partner if old else 0}:
            self._route(port)

    def remove(self, port: int) -> None:
        """Take a row out."""
        end = self._active.pop(port, None)
        self._srtp.pop(port, None)
        if end is not None and end.row is not None:
            partner = end.row.partner
            end.remove()
            if self.rooms is not None:
                self.rooms.remove(port)
            self._route(port)
            self._route(partner)

    def _seat(self, end: End, row: Row) -> None:
        """Let an end's packets go into a room, or no longer."""
        rooms = self.need_rooms()
        if row.seat:
            end.rooms = rooms if rooms.put(row, end.send, self.now) else None
        else:
            rooms.remove(row.port)
            end.rooms = None

    def srtp(self, port: int) -> Srtp:
        """Return what a row encrypts with, for as long as there is that row."""
        if port not in self._srtp:
            from rtp.srtp import Srtp

            self._srtp[port] = Srtp()
        return self._srtp[port]

    def new_srtp(self, port: int) -> Srtp:
        """Return what a row encrypts with from now on, without any key; with none there is no packet."""
        self._srtp.pop(port, None)
        return self.srtp(port)

    def need_rooms(self) -> Rooms:
        """Return the rooms; nothing about them is loaded before somebody needs them."""
        if self.rooms is None:
            from rtp.rooms import Rooms

            self.rooms = Rooms(self.tell)
        return self.rooms

    def clear(self) -> None:
        """Take all rows out."""
        for port in tuple(self._active):
            self.remove(port)

    def _route(self, port: int) -> None:
        """Two ends forward to each other only if each names the other."""
        end = self._ends.get(port)
        if end is not None:
            partner = self._ends.get(end.row.partner) if end.row else None
            mutual = partner is not None and partner.row is not None and partner.row.partner == port
            end.route = partner if mutual else None
            self.follow(end)

    def tell(self, event: Message) -> None:
        """Keep an event for whoever reads; the oldest goes when nobody does."""
        if len(self.events) >= EVENTS:
            self.events.popleft()
            self.withheld += 1
        self.events.append(event)

    def ask(self, port: int, token: int) -> None:
        """Answer with an event: a row's Statistics, or the Counters for port 0 or a port without a row."""
        end = self._active.get(port)
        self.tell(statistics(end, self, token) if end is not None else self.counters(token))

    def counters(self, token: int = 0) -> control.Counters:
        """Return what this worker did."""
        own = {name: getattr(self, name) for name in control.Counters.__slots__ if hasattr(self, name)}
        return control.Counters(token=token, rows=len(self._active), **own)

    def turn(self, timeout: float = -1.0) -> bool:
        """Wait at most `timeout` seconds (-1: until something happens), do a bounded piece of work.

        Returns whether anything happened.
        """
        if self._active:
            until_tick = max(0.0, self._next_tick - self._clock())
            timeout = until_tick if timeout < 0 else min(timeout, until_tick)
        rooms = self.rooms
        if rooms is not None and rooms.due is not None:
            until_mix = max(0.0, rooms.due - self._clock())
            timeout = until_mix if timeout < 0 else min(timeout, until_mix)
        if self.shaking:
            until_next = max(0.0, min([each.due for each in self.shaking]) - self._clock())
            timeout = until_next if timeout < 0 else min(timeout, until_next)
        rest = self._pace.rest
        if rest:
            time.sleep(rest)
        ready = self.epoll.poll(timeout, TURN)
        now = self.now = self._clock()
        self._pace.turned(now, len(ready), TURN)
        self.turns += 1
        handlers = self.handlers
        for descriptor, _ in ready:
            handler = handlers.get(descriptor)
            if handler is not None:  # None: removed by an edit in this very turn
                handler()
        if rooms is not None and rooms.due is not None and now >= rooms.due:
            rooms.tick(now)
        if self.shaking:
            for guard in tuple(self.shaking):
                guard.tick(now)
        if now >= self._next_tick:
            self._next_tick = now + TICK
            for end in self._active.values():
                end.check_silence(now)
        return bool(ready)

    def watch(self, descriptor: int, handler: Callable[[], None]) -> None:
        """Call `handler` in every turn in which a descriptor can be read."""
        self.handlers[descriptor] = handler
        self.epoll.register(descriptor, select.EPOLLIN)

    def close(self) -> None:
        """Close all sockets of the pool."""
        self.clear()
        self.detach()
        for end in (*self._ends.values(), *self._others.values()):
            end.close()
        self.epoll.close()
