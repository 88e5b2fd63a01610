"""The signalling side of media: port pairs, the authoritative plan, and the media process that follows it.

Edits are collected and sent once per turn of the event loop, many in a datagram. If the process dies, a new
one is started, with growing pauses and not for ever, and filled from the plan. One that lives but does not
answer is ended first. Statistics go on over such a change.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence

from firmware.media import secure
from firmware.media.bridge import Bridge
from firmware.media.errors import MediaError, NoPorts
from firmware.media.place import Place
from firmware.media.ports import Ports
from firmware.media.quality import Far, Quality, conclude, one_way
from firmware.media.questions import Answer, Questions
from firmware.media.secure import Policy
from firmware.media.side import SIDES, Side, other
from firmware.media.sounds import Sound, Sounds
from firmware.media.tally import Tally
from firmware.media.transcode import ORDER, able
from firmware.media.vigil import Vigil
from firmware.media.waiting import Waiting
from firmware.media.worker import Worker, packed, spawn
from rtp import control, orders
from rtp.plan import ANY, Plan, Row

REST = 5.0  # seconds a port rests after a call, so that late packets of that call reach no other
SILENCE = 30  # seconds without a packet from an end that should send
START = 5.0  # seconds a media process may take to bind its ports
PAUSES = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0)  # before each restart; after the last: give up
STEADY = 60.0  # seconds of life after which earlier crashes are forgotten
_ROOM = 0.01  # seconds until an order that found no room is sent again
_EDITS = 64  # ports whose edits are sent together
FIRST_ROOM = 0x10000  # rooms below are those of calls between two phones, numbered as a port of theirs


class Media:
    """One media process and its pool of ports.

    `on_restart()` is called when a process that ended has been replaced, `on_failure()` when that was given
    up, `on_hang()` when one is ended because it does not answer. `on_one_way(call, side)` is told that a side
    is not heard while the other is. While `monitor` is on, `on_quality(call, found)` is told how good a call
    was. `on_tier(kernel)` is told when the kernel begins to relay, or no longer does. `now` returns monotonic
    seconds. `transcode` names the codecs that are turned into each other where two sides share none, best
    first. `srtp` is what the site wants of encryption; a bridge that is `urgent` does what makes the call.
    """

    def __init__(
        self,
        worker: Worker,
        now: Callable[[], float],
        *,
        learning: int = ANY,
        silence: int = SILENCE,
        rest: float = REST,
        transcode: tuple[str, ...] = ORDER,
        srtp: Policy = "passed",
        prompts: str = "",
    ) -> None:
        self.srtp = srtp
        self.transcode = able(transcode)
        self.learning = learning
        self.silence = silence
        hosts = worker.host.split(",")
        self.hosts = {len(packed(host)): host for host in hosts}  # by the octets of an address: 4 or 16
        self.packed_hosts = frozenset(map(packed, hosts))
        self.restarts = 0
        self.on_restart: Callable[[], None] | None = None
        self.on_failure: Callable[[], None] | None = None
        self.on_tier: Callable[[bool], None] | None = None
        self.on_hang: Callable[[], None] | None = None
        self.on_one_way: Callable[[str, Side], None] | None = None
        self.on_quality: Callable[[str, dict[Side, Quality]], None] | None = None
        self._monitor = False
        self._questions = Questions(lambda datagram: self._up and self._worker.send(datagram))
        self._vigil = Vigil(self._look, self._hung)
        self._tasks: set[asyncio.Task[None]] = set()
        self.in_kernel = False
        self.sounds = Sounds(self, prompts)
        self.music: tuple[Sound, ...] = ()  # for who is held
        self._rooms = FIRST_ROOM
        self._orders = Waiting()
        self._maps: tuple[int, ...] = ()
        self._worker = worker
        self._now = now
        self._rest = rest
        self._plan = Plan(max(0, (worker.last - worker.first + 2) // 2))
        self._bridges: dict[int, Bridge] = {}
        self._ports = Ports()
        self._arriving: set[int] = set()
        self._dirty: dict[int, None] = {}
        self._flushing = False
        self._blocked = False
        self._window = 0
        self._crashes = 0
        self._since = 0.0  # when the process was last ready
        self._ready: asyncio.Future[None] | None = None
        self._up = False
        self._closed = False
        self._reviver: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- life

    async def start(self) -> None:
        """Wait until the process has bound its ports; raises MediaError with one line for the operator."""
        try:
            await self._attach()
        except (TimeoutError, ConnectionError) as error:
            worker = self._worker
            worker.close()
            await self._worker.ended()
            if worker.wrong_address:
                text = f"media: {worker.host} is no address of this machine; give one that is"
            else:
                text = f"media: the media process did not start (status {worker.status})"
            raise MediaError(text) from error
        if not self._ports:
            await self.close()
            first, last = self._worker.first, self._worker.last
            raise MediaError(
                f"media: no free pair of UDP ports from {first} to {last}; free some or set others"
            )

    async def close(self) -> None:
        """End the process and wait for it; open bridges lose their ports."""
        if self._closed:
            return
        self._closed = True
        if self._reviver is not None:
            self._reviver.cancel()
            await asyncio.gather(self._reviver, return_exceptions=True)
        await asyncio.gather(*self._tasks)  # each waits for an answer at most
        self._detach()
        self._worker.close()
        await self._worker.ended()
        self.relay_in_kernel(())
        self.sounds.close()

    def open(self, lost: Callable[[], None] | None = None, *, urgent: bool = False) -> Bridge:
        """Return a bridge over two free ports, `urgent`: also such as should rest; raises NoPorts.

        `lost` is called when a side that should send has been silent for too long, as `Bridge.on_timeout` is.
        """
        found = self._ports.take(self._now(), urgent=urgent) if self._up else None
        if found is None:
            raise NoPorts("no free media ports" if self._up else "no media process")
        caller, callee = found
        bridge = Bridge(self, caller, callee, srtp="converted" if urgent else self.srtp)
        self._vigil.follow(bridge.ports)
        if lost is not None:
            bridge.on_timeout = lambda _: lost()
        self._bridges[caller] = self._bridges[callee] = bridge
        return bridge

    def place(self, room: int = 0, flags: int = 0) -> Place:
        """Return a place of the box's own, for a bridge; without a `room` in a new one."""
        if not room:
            self._rooms = room = max(FIRST_ROOM, (self._rooms + 1) & 0xFFFFFFFF)
        return Place(self, room, flags)

    def relay_in_kernel(self, maps: Sequence[int]) -> None:
        """Have the kernel relay what it can, by the descriptors of its maps, which are ours from now on.

        None: the media process relays all calls again. Calls that run move over and lose nothing.
        """
        for each in self._maps:
            os.close(each)
        self._maps = tuple(maps)
        if self._up:
            self._hand_over()

    def _hand_over(self) -> None:
        """Tell the media process; without room at once, once there is."""
        try:
            [datagram] = control.encode([control.Attach()])
            sent = self._worker.send(datagram, self._maps)
        except ConnectionError:
            return  # the next process is told when it is ready
        if not sent and self._loop is not None:
            self._loop.call_later(_ROOM, self._hand_over)

    @property
    def monitor(self) -> bool:
        """Whether the quality of calls is looked at: what phones report is read, and told at the end."""
        return self._monitor

    @monitor.setter
    def monitor(self, on: bool) -> None:
        if on is not self._monitor:
            self._monitor = on
            if self._up:
                self._tell_monitor()

    def _tell_monitor(self) -> None:
        try:
            [datagram] = control.encode([control.Monitor(on=int(self._monitor))])
            sent = self._worker.send(datagram)
        except ConnectionError:
            return  # the next process is told when it is ready
        if not sent and self._loop is not None:
            self._loop.call_later(_ROOM, self._tell_monitor)

    @property
    def free(self) -> int:
        """How many more bridges could be opened now."""
        if not self._up:
            return 0
        return self._ports.ready(self._now()) // 2

    def crowded(self, share: float) -> bool:
        """Tell whether more than this share of the ports is in use or rests; without a process: no."""
        return self._up and self._ports.crowded(share, self._now())

    @property
    def pid(self) -> int:
        """The media process."""
        return self._worker.pid

    async def counters(self) -> control.Counters | None:
        """Return what the media process did since it started, None when it does not answer."""
        answer = await self.ask(0)
        return answer if isinstance(answer, control.Counters) else None

    # -- for bridges

    def owns(self, port: int) -> bool:
        """Tell whether a port is of our range."""
        return self._worker.first <= port <= self._worker.last + 1

    def host(self, far: bytes) -> str:
        """Return our address towards a far end's packed one: of the same IP version where we have it."""
        return self.hosts.get(len(far)) or next(iter(self.hosts.values()))

    def row(self, port: int) -> Row | None:
        """Return the row in force for a port."""
        return self._plan.get(port)

    def window(self) -> int:
        """Return a number for a learning window: no two of this process's life are the same."""
        self._window = (self._window + 1) & 0xFFFFFFFF
        return self._window

    def put(self, row: Row) -> None:
        """Edit the plan; the process follows in this turn of the event loop."""
        self._plan.put(row)
        self._touch(row.port)

    def withdraw(self, port: int) -> None:
        """Take the row of a port out that stays its bridge's; no row, no error."""
        if self._plan.get(port) is not None:
            self._plan.remove(port)
            self._touch(port)

    def order(self, message: control.Message, *descriptors: int) -> None:
        """Give an order about rooms, after all edits there are; it waits where there is no room now."""
        if self._up:
            self._orders.put(message, descriptors)
            if not self._flushing and self._loop is not None:
                self._flushing = True
                self._loop.call_soon(self._flush)

    def release(self, bridge: Bridge) -> None:
        """Take a bridge's rows out and let its ports rest."""
        since = self._now() + self._rest
        tallies = self._vigil.leave(bridge.ports)
        if self._monitor and bridge.call:
            self._flush()
            asked = [self._questions.put(port) for port in bridge.ports]  # before its rows go
            self._spawn(self._conclude(bridge, bridge.fars(), list(tallies.values()), asked))
        for port in bridge.ports:
            if self._bridges.pop(port, None) is not None:
                self._plan.remove(port)
                self._touch(port)
                self._ports.give(port, since)

    async def ask(self, port: int) -> control.Message | None:
        """Ask for a port's Statistics, or the Counters with port 0; None when nothing answers in time."""
        if not self._up:
            return None
        self._flush()
        return await self._questions.answer(self._questions.put(port))

    # -- edits down

    def _touch(self, port: int) -> None:
        self._dirty[port] = None
        if self._up and not self._flushing and self._loop is not None:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Send what changed; without room the newest state of each port waits, so nothing piles up."""
        self._flushing = False
        if not self._up or self._loop is None:
            return
        while self._dirty:
            ports = list(self._dirty)[:_EDITS]
            rows = [(port, self._plan.get(port)) for port in ports]
            edits = [control.Put(row) if row else control.Remove(port=port) for port, row in rows]
            try:
                sent = all(map(self._worker.send, control.encode(edits)))
            except ConnectionError:
                return  # the reader notices the end and everything is replayed
            if not sent:
                self._wait_for_room(self._loop)
                return
            for port in ports:
                del self._dirty[port]
        try:
            sent = self._orders.send(self._worker.send)
        except ConnectionError:
            return
        if not sent:
            self._wait_for_room(self._loop)

    def _wait_for_room(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._blocked:
            self._blocked = True
            self._worker.wait_for_room(loop, self._unblock)

    def _unblock(self) -> None:
        self._blocked = False
        self._flush()

    # -- events up

    def _read(self) -> None:
        try:
            for datagram in self._worker.receive():
                self._vigil.spoke()
                for message in control.decode(datagram):
                    self._take(message)
        except (ConnectionError, control.ControlError) as error:
            self._lost(error)

    def _take(self, message: control.Message) -> None:
        if isinstance(message, control.Learned):
            self._plan.learned(message.port, message.window, (message.host, message.rtp))
        elif isinstance(message, control.Timeout):
            bridge = self._bridges.get(message.port)
            if bridge is not None:
                bridge.timed_out(message.port)
        elif isinstance(message, control.Tier):
            if bool(message.kernel) is not self.in_kernel:
                self.in_kernel = bool(message.kernel)
                if self.on_tier is not None:
                    self.on_tier(self.in_kernel)
        elif isinstance(message, control.Ready):
            self._arriving.update(message.ports)
            if message.final and self._ready is not None and not self._ready.done():
                self._ready.set_result(None)
        else:
            self._take_counts(message)

    def _take_counts(self, message: control.Message) -> None:
        if isinstance(message, control.Statistics):
            self._questions.take(self._vigil.saw(message))
        elif isinstance(message, control.Counters):
            self._questions.take(message)
        elif isinstance(message, control.Quiet):
            bridge = self._bridges.get(message.port)
            if bridge is not None:
                self._spawn(self._listen(bridge, message.port))
        elif isinstance(message, orders.Played):
            self.sounds.take(message)
        elif isinstance(message, (orders.Digit, orders.Speaker)) and message.port in self._bridges:
            self._bridges[message.port].told(message)

    # -- quality

    def _look(self, ports: list[int]) -> None:
        self._flush()
        self._questions.look(ports or [0])

    async def _listen(self, bridge: Bridge, port: int) -> None:
        """Find out whether a side that is not heard is the only one."""
        suspect: Side = "caller" if port == bridge.port("caller") else "callee"
        found = await bridge.statistics()
        if len(found) == len(SIDES) and one_way(found[suspect], found[other(suspect)]):
            bridge.quiet[suspect] += 1
            if self.on_one_way is not None and self._bridges.get(port) is bridge:
                self.on_one_way(bridge.call, suspect)

    async def _conclude(
        self, bridge: Bridge, fars: list[Far], tallies: list[Tally], asked: list[asyncio.Future[Answer]]
    ) -> None:
        """Tell how good a call was that is over, by the last answers there are."""
        found = conclude(fars, [await self._last(*each) for each in zip(tallies, asked, strict=True)])
        if self.on_quality is not None and found is not None:
            self.on_quality(bridge.call, found)

    async def _last(self, tally: Tally, question: asyncio.Future[Answer]) -> control.Statistics | None:
        answer = await self._questions.answer(question)
        return tally.take(answer) if isinstance(answer, control.Statistics) else tally.all

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- the process

    async def _attach(self) -> None:
        """Watch the process until it is ready, then hand it the plan; TimeoutError, ConnectionError."""
        self._loop = asyncio.get_running_loop()
        self._ready = self._loop.create_future()
        self._arriving = set()
        self._worker.watch(self._loop, self._read)
        try:
            async with asyncio.timeout(START):
                await self._ready
        except BaseException:
            self._detach()
            raise
        finally:
            self._ready = None
        missing = self._ports.renew(self._arriving, self._bridges.keys())
        self._up = True
        self._since = self._now()
        for row in self._plan.snapshot():
            if row.srtp:
                self._plan.put(row.replace(srtp=secure.remasked(row.srtp)))
        self._dirty = {row.port: None for row in self._plan.snapshot()}
        self._orders.clear()
        self.sounds.again()
        self._flush()
        if self._monitor:
            self._tell_monitor()
        if self._maps:
            self._hand_over()
        self._vigil.begin(self._loop)
        for port in missing & self._bridges.keys():
            self._bridges[port].timed_out(port)

    def _detach(self) -> None:
        self._up = self._blocked = False
        self._vigil.end()
        if self._loop is not None:
            self._worker.ignore(self._loop)

    def _hung(self) -> None:
        """End a process that is alive and does not answer."""
        self._worker.kill()
        if self.on_hang is not None:
            self.on_hang()
        self._lost(ConnectionError("the media process does not answer"))

    def _lost(self, error: Exception) -> None:
        """Replace a process that ended or talks nonsense."""
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(ConnectionError(str(error)))  # whoever waits decides
            return
        self._detach()
        if not self._closed and (self._reviver is None or self._reviver.done()):
            self._reviver = asyncio.create_task(self._revive(), name="media restart")

    async def _revive(self) -> None:
        if self._now() - self._since > STEADY:
            self._crashes = 0
        while self._crashes < len(PAUSES):
            pause = PAUSES[self._crashes]
            self._crashes += 1
            old = self._worker
            old.close()
            await self._worker.ended()
            await asyncio.sleep(pause)
            try:
                self._worker = spawn(old.host, old.first, old.last)
                await self._attach()
            except OSError:  # TimeoutError and ConnectionError among them
                continue
            self.restarts += 1
            if self.on_restart is not None:
                self.on_restart()
            return
        if self.on_failure is not None:
            self.on_failure()
