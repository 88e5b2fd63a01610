"""The running box: builds the parts, wires them, and takes them down again in the right order."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from firmware.calls.house import Circle, Settings
from firmware.calls.making import make_plan
from firmware.calls.plan import Plan
from firmware.calls.reach import load_plans
from firmware.calls.supervisor import Calls
from firmware.clock import Clock
from firmware.egress.guard_link import GuardLink
from firmware.errors import OperatorError
from firmware.journal import CappedFile, Journal, Kind, Level, Terminal
from firmware.lines.sip_endpoint import SipEndpoint, SipSettings
from firmware.main.alarm import Alarms
from firmware.main.heard import use_music
from firmware.main.media_watch import watch
from firmware.main.outside import Outside
from firmware.main.preferences import Preferences
from firmware.main.reload import KINDS, SECURE, Listeners, in_force
from firmware.main.start import SITE_FILE, NotStarted, say
from firmware.media import Media, MediaError
from firmware.media.worker import Worker
from firmware.store import FileKey, Store
from provisioning.site import Site
from sip.flow import bracketed
from sip.transport import Transports

if TYPE_CHECKING:
    from ssl import SSLContext

    from firmware.calls.decisions import Decision
    from firmware.operations.context import ActiveCall, Attendee, Parked, Phone, TrunkView
    from firmware.operations.socket import Control

LEVELS: Final = {"quiet": Level.WARNING, "normal": Level.INFO, "detailed": Level.DEBUG}
LOG_FILE: Final = "log"
FORCED: Final = 130
DAY: Final = 86400.0

READY: Final = Kind("box.ready", "the box is ready: {listeners} listeners, {extensions} extensions")
STOPPING: Final = Kind("box.stopping", "the box stops; running calls: {calls}")
LEFT_BEHIND: Final = Kind("box.stop.fault", "something did not stop as it should: {fault}", Level.ALARM)
RELOADED: Final = Kind("box.reloaded", "the site file is in force again: {changes} changes")
NOT_RELOADED: Final = Kind(
    "box.reload.refused", "the site file has faults: the old one stays in force", Level.WARNING
)
UNGUARDED: Final = Kind(
    "guard.absent", "no guard: the media process relays every call, and the kernel filters nothing for us"
)


async def run_box(directory: str, site: Site, text: str | None, worker: Worker) -> int:
    """Run a box until it is told to stop; `text` is the site file to write when there is none yet."""
    stopping = _stop_by_signal()
    clock = Clock()
    journal = Journal(clock, level=LEVELS[site.log.level])
    calls, prompts = site.media, site.sounds.prompts
    media = Media(
        worker, clock.now, transcode=calls.transcode, srtp=calls.srtp, dtls=calls.dtls, prompts=prompts
    )
    try:
        await media.start()  # its ports may be taken, and nothing is written yet
    except MediaError as error:
        raise NotStarted(str(error)) from error
    try:
        fresh = not Store.exists(directory)
        store = _open(directory, clock, journal, fresh=fresh)
    except BaseException:
        await media.close()
        raise
    box = Box(directory, site, store, media, journal, clock, stopping)
    return await box.run(fresh=fresh, text=text)


def _stop_by_signal() -> "asyncio.Future[None]":
    """Return what is done once a signal asks the box to stop; a start that is under way is finished first."""
    loop = asyncio.get_running_loop()
    stopping: asyncio.Future[None] = loop.create_future()

    def stop() -> None:
        if not stopping.done():
            stopping.set_result(None)

    def interrupt() -> None:
        if stopping.done():
            say("forced to end: calls were not ended, the store is as it was last written")
            os._exit(FORCED)
        stop()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, stop)
    return stopping


def _open(directory: str, clock: Clock, journal: Journal, *, fresh: bool) -> Store:
    if fresh:
        from firmware.main.first import make_store

        return make_store(directory, clock, journal)
    store = Store.open(directory, FileKey(directory), clock, journal)
    journal.audit_to(store.record_audit)
    return store


class Box:
    """One running box; it closes what it is given. Operations see it as their `Live`."""

    def __init__(
        self,
        directory: str,
        site: Site,
        store: Store,
        media: Media,
        journal: Journal,
        clock: Clock,
        stopping: "asyncio.Future[None]",
    ) -> None:
        self._directory = directory
        self._site = site
        self._store = store
        self._media = media
        self._journal = journal
        self._clock = clock
        self._started = clock.wall()
        self._loop = asyncio.get_running_loop()
        self._stopping = stopping
        self._reloading = asyncio.Lock()
        self._control: Control | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._renewal: asyncio.TimerHandle | None = None
        self._guard = GuardLink(media.relay_in_kernel, lambda: media.relay_in_kernel(()))
        self._transports = Transports(self._loop, clock.now)
        self._transports.trust = self._trust
        self._line = SipEndpoint(
            self._transports.send,
            store,
            journal,
            clock,
            self._line_settings(site),
            proved=self._transports.prove,
        )
        self._transports.start(self._line.stack)
        self._calls = Calls(
            tenant=store.tenant,
            dialer=self._line,
            media=media,
            plan=self._plan(site),
            records=store,
            journal=journal,
            clock=clock,
            settings=_call_settings(site),
            preferences=Preferences(store, self.extension_changed),
        )
        self._line.calls = self._calls
        self._outside = Outside(self._line, self._calls, self._transports, store, journal, clock)
        self._calls.house.alarm = Alarms(store, self._line, journal, self.site).tell
        self._calls.house.lamps.listener = self._line.lamps_changed
        self._listeners = Listeners(self._transports, lambda: bool(self._calls.active()))
        watch(media, journal, store.record_quality)
        use_music(media, site.sounds, journal)
        media.monitor = site.media.monitor

    # -- life

    async def run(self, *, fresh: bool, text: str | None = None) -> int:
        """Serve until told to stop; return the exit code. `text` is the site file where there is none."""
        try:
            try:
                await self._start(fresh=fresh, text=text)
            except OSError as error:
                place = error.filename or self._directory
                raise NotStarted(
                    f"{place}: cannot be written ({error.strerror}); make it writable"
                ) from error
            await self._stopping
            return 0
        finally:
            await self._close()

    async def _start(self, *, fresh: bool, text: str | None) -> None:
        if text is not None:
            from firmware.main.first import write_site

            path = os.path.join(self._directory, SITE_FILE)
            write_site(path, text)
            if not fresh:
                say(f"note: {path} was missing; a new one was written, with the settings of a new box")
        await self._listeners.add(one for one in self._site.listeners if one.transport not in SECURE)
        # Phones are served from here on; the rest may take its time.
        self._loop.add_signal_handler(signal.SIGHUP, self._reload_by_signal)
        self._journal.add_sink(Terminal(sys.stdout))
        path = os.path.join(self._directory, LOG_FILE)
        self._journal.add_sink(CappedFile(path, self._site.log.file_kilobytes * 1024))
        self._journal.start()
        await self._listen_securely(self._site)
        self._outside.use(self._site)
        if not self._guard.start():
            self._journal.log(UNGUARDED)

        from firmware.operations.socket import Control

        self._control = Control(self._directory, self._answer, self._journal)
        await self._control.start()
        extensions = self._store.extensions.list()
        if fresh:
            from firmware.main.first import welcome

            say(welcome(self._directory, self._site, extensions))
        for warning in self._shadowed(self._site):
            say(warning)
        say(f"ready: {', '.join(self._listeners.names())}; Ctrl-C stops")
        self._journal.log(READY, listeners=len(self._listeners.names()), extensions=len(extensions))
        if self._site.dialling is not None:
            load_plans()  # now, not on the way of the first call
        gc.collect()
        gc.freeze()  # what was made so far stays: the collector need not look at it again

    async def _listen_securely(self, site: Site) -> None:
        """Listen where TLS is spoken; the certificate names all addresses of the site: phones may use any."""
        listeners = [one for one in site.listeners if one.transport in SECURE]
        if not listeners:
            return
        self._secure(site)
        await self._listeners.add(one for one in listeners if str(one) not in self._listeners.names())

    def _secure(self, site: Site) -> None:
        """Show a certificate that holds for every address of the site, and look after it each day."""
        from firmware.main.certificate import context

        addresses = sorted({one.address for one in site.listeners})
        self._listeners.secure(context(self._store, self._clock, addresses))
        if self._renewal is not None:
            self._renewal.cancel()
        self._renewal = self._loop.call_later(DAY, lambda: self._secure(self._site))

    def _trust(self, file: str) -> "SSLContext":
        from firmware.main.tls import Trust

        return Trust(self._store)(file)

    async def _close(self) -> None:
        self._journal.log(STOPPING, calls=len(self._calls.active()))
        for task in self._tasks:
            task.cancel()
        if self._renewal is not None:
            self._renewal.cancel()
        control = self._control
        for step in (
            self._listeners.close,
            self._calls.close,  # every call says goodbye and writes its record
            self._outside.close,
            self._line.close,
            self._transports.close,
            self._guard.close,
            self._media.close,
            *([control.retire] if control else []),
            self._journal.close,
            self._store.close,  # waits until everything handed over is on the disk
            *([control.close] if control else []),  # whoever asked for the stop learns that it is done
        ):
            try:
                left = step()
                if left is not None:
                    await left
            except Exception as error:  # noqa: BLE001 - one part that fails to stop must not hold up the others
                self._journal.fault(LEFT_BEHIND, error)

    def _reload_by_signal(self) -> None:
        task = self._loop.create_task(self._reload_and_tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload_and_tell(self) -> None:
        try:
            answer = await self._answer("reload", {})
            say("\n".join(answer["changes"]) or "the site file says what is in force already")
        except OperatorError as error:
            say(f"not reloaded: {error.text}")

    async def _answer(self, operation: str, arguments: object) -> Any:
        from firmware.operations.context import Context
        from firmware.operations.operation import BoxNeeded, Role
        from firmware.operations.registry import Caller, perform

        if self._stopping.done():
            raise BoxNeeded("the box is stopping; ask again when it is down")
        context = Context(self._store, self._journal, self._clock, self.site, self)
        return await perform(context, Caller(Role.ADMINISTRATOR), operation, arguments)

    # -- what operations ask

    def site(self) -> Site:
        """Return the site in force."""
        return self._site

    def started(self) -> float:
        """Return when the box started, in unix seconds."""
        return self._started

    def listeners(self) -> Sequence[str]:
        """Return where the box listens now."""
        return self._listeners.names()

    def phones(self, extension: str) -> "Sequence[Phone]":
        """Return the phones registered for an extension id."""
        from firmware.operations.context import Phone

        return [
            Phone(one.transport, f"{bracketed(one.address[0])}:{one.address[1]}", one.seconds)
            for one in self._line.phones(extension)
        ]

    def active_calls(self) -> "Sequence[ActiveCall]":
        """Return the running calls."""
        from firmware.operations.context import ActiveCall

        return [
            ActiveCall(
                view.id,
                str(view.state.value),
                view.caller.value,
                view.callee.value if view.callee is not None else "",
                view.since,
                view.answered,
            )
            for view in self._calls.active()
        ]

    def parked(self) -> "Sequence[Parked]":
        """Return who is parked."""
        from firmware.operations.context import Parked

        return [
            Parked(one.slot, one.call, one.who.value, one.by.value, one.since) for one in self._calls.parked()
        ]

    def conferences(self) -> "Sequence[Attendee]":
        """Return who is in a conference room."""
        from firmware.operations.context import Attendee

        return [
            Attendee(one.room, one.call, one.who.value, one.since, one.speaking, one.muted, one.locked)
            for one in self._calls.conferences()
        ]

    def trunks(self) -> "Sequence[TrunkView]":
        """Return how the trunks are."""
        from firmware.operations.context import TrunkView

        wall = self._clock.wall()
        return [
            TrunkView(
                one.name, one.mode, one.server, one.up,
                None if one.seconds is None else wall + one.seconds,
                one.failure, one.calls, one.most, one.password,
            )
            for one in self._outside.states()
        ]  # fmt: skip

    def outside_calls(self, extension: str) -> tuple[int, int]:
        """Return how many calls outside an extension has now, and began within the hour."""
        traffic = self._calls.house.traffic
        return traffic.of(extension), traffic.hourly(extension)

    def forget_calls(self, extension: str | None) -> None:
        """Begin the count of the hour anew."""
        self._calls.house.traffic.forget(extension)

    def decisions(self) -> "Sequence[Decision]":
        """Return what the box refused by itself."""
        return self._calls.house.decisions.list()

    def take_back(self, number: int) -> "Decision | None":
        """Take such a decision back."""
        return self._calls.house.take_back(number)

    def trunk_changed(self, name: str) -> None:
        """Have a trunk use its new password."""
        self._outside.secret_changed(name)

    def hangup(self, call: str) -> bool:
        """End a running call; False when there is none of that id."""
        return self._calls.hangup(call)

    def extension_changed(self, extension: str | None) -> None:
        """Make new calls and registrations follow the store."""
        self._calls.plan = self._plan(self._site)
        self._line.extension_changed(extension)

    def stop(self) -> None:
        """Begin to shut down."""
        if not self._stopping.done():
            self._stopping.set_result(None)

    def memory(self) -> int:
        """Return the PSS of both processes in bytes."""
        from firmware.main.memory import proportional

        return proportional([os.getpid(), self._media.pid])

    async def counters(self) -> dict[str, int]:
        """Return what was refused, dropped or odd since the start."""
        found = {**self._transports.counters, **self._line.counters}
        found["calls refused: all taken"] = self._calls.refused
        found["log events lost"] = self._journal.lost
        found["media process restarted"] = self._media.restarts
        media = await self._media.counters() if self._media.in_kernel else None
        if media is not None:
            found["packets relayed outside the kernel"] = media.forwarded
        return found

    async def reload(self) -> Sequence[str]:
        """Put the site file into force; return each difference in words."""
        async with self._reloading:
            from pathlib import Path

            from provisioning.site import SiteError, read_site
            from provisioning.site_plan import plan

            try:
                new = read_site(Path(self._directory, SITE_FILE))
            except SiteError:
                self._journal.log(NOT_RELOADED)
                raise
            changes = plan(self._site, new)
            await self._apply(in_force(self._site, new))
            self._journal.log(RELOADED, changes=len(changes))
            return [*map(str, changes), *(self._shadowed(new) if changes else ())]

    async def _apply(self, site: Site) -> None:
        old = self._site
        added = [one for one in site.listeners if one not in old.listeners]
        await self._listeners.add(one for one in added if one.transport not in SECURE)
        await self._listen_securely(site)
        self._listeners.remove(one for one in old.listeners if one not in site.listeners)
        # Nothing from here on can fail.
        self._listeners.allow(site.listeners)
        self._site = site
        self._calls.plan = self._plan(site)
        self._calls.house.settings = _call_settings(site)
        self._line.settings = self._line_settings(site)
        self._outside.use(site)
        use_music(self._media, site.sounds, self._journal)
        self._media.monitor, self._media.srtp = site.media.monitor, site.media.srtp
        self._journal.level = LEVELS[site.log.level]

    def _shadowed(self, site: Site) -> list[str]:
        """Warn of numbers people have that the site's country needs for calls for help."""
        emergency = site.emergency
        return [
            f"warning: {number} is an emergency number in {site.country.name} "
            "and no longer reaches its extension; give that another number"
            for one in self._store.extensions.list()
            for number in (one.number, *one.aliases)
            if number in emergency
        ]

    def _plan(self, site: Site) -> Plan:
        self._transports.emergency(site.country.emergency)
        return make_plan(site, self._store.extensions.list(), self._store.groups.list())

    def _line_settings(self, site: Site) -> SipSettings:
        return SipSettings(
            realm=self._store.domain,
            algorithms=site.sip.digest,
            listeners={
                (KINDS[one.transport], (one.address, one.port)): one.digest
                for one in site.listeners
                if one.digest
            },
            shortest=site.registration.shortest,
            longest=site.registration.longest,
            phones=site.registration.phones,
            session_seconds=site.sip.session_seconds,
            shortest_session=site.sip.shortest_session,
            media6=site.media.address6,
            presence=site.desk.presence,
        )


def _call_settings(site: Site) -> Settings:
    return Settings(
        ring_seconds=float(site.calls.ring_seconds),
        max_calls=site.calls.most,
        pickup=Circle(site.desk.pickup),
        intercom=Circle(site.desk.intercom),
        park_seconds=float(site.desk.park_seconds),
        language=site.sounds.language,
        announce=site.sounds.refused,
    )
