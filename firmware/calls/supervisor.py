"""`Calls`: starts one task tree per call and stands behind it.

Whatever a call does, return, raise, or be cancelled before its first step, `_finished` runs once: the legs
are hung up, media stops, the record is written. A fault ends the call it happened in and no other.
"""

import asyncio
from functools import partial
from traceback import clear_frames

from firmware.calls.basic import basic_call, present
from firmware.calls.call import By, Call, CallView, Ending, personal
from firmware.calls.cause import Cause
from firmware.calls.entering import enter
from firmware.calls.house import House, Media, Preferences, Settings
from firmware.calls.lamps import Light
from firmware.calls.leg import Dialer, Leg
from firmware.calls.meeting import PartyView
from firmware.calls.outside import Lines
from firmware.calls.park import ParkedView, lamp_of, views
from firmware.calls.plan import Plan
from firmware.calls.record import Records, record_of
from firmware.clock import Clock
from firmware.journal import Journal, Kind, Level
from firmware.labels import Personal
from firmware.store.model import new_id

CLOSE_SECONDS = 2.0

STARTED = Kind("call.started", "{call}: {caller} calls")
ENDED = Kind("call.ended", "{call}: {caller} to {callee} ended by {by}: {cause}, {seconds} s of talk")
FAULT = Kind("call.fault", "{call} ended by a fault: {fault}", Level.ALARM)
LOOSE = Kind("call.fault.release", "{call}: a fault while it was released: {fault}", Level.ALARM)
OVERLOAD = Kind("call.overload", "all {limit} calls are taken: new ones are refused", Level.WARNING)
CROWDED = Kind(
    "call.crowded",
    "four fifths of the calls or of the media ports are in use: new calls are told to try again later",
    Level.WARNING,
)
ROOM = Kind("call.room", "there is room for new calls again; turned away meanwhile: {refused}")

CROWDED_SHARE = 0.8
"""The share of calls and of media ports that new calls may fill; the rest is for running calls and help."""


class Calls:
    """All calls of the box. `plan` may be replaced; a running call keeps the one it started with."""

    def __init__(
        self,
        *,
        dialer: Dialer,
        media: Media,
        plan: Plan,
        records: Records,
        journal: Journal,
        clock: Clock,
        settings: Settings | None = None,
        tenant: str = "",
        preferences: Preferences | None = None,
        lines: Lines | None = None,
    ) -> None:
        self.plan = plan
        self.house = House(
            tenant, dialer, media, journal, clock, settings or Settings(), preferences, lines=lines
        )
        self.refused = 0
        """Calls turned away because the box was full, since the start."""
        self.house.youngest = self._youngest
        self._records = records
        self._journal = journal
        self._calls: dict[str, Call] = {}
        self._full = False
        self._crowded = 0
        self._closed = False
        self._empty: asyncio.Future[None] | None = None

    def incoming(self, leg: Leg) -> None:
        """Take a leg that wants to call somebody, and its worries. Returns at once."""
        if self._closed:
            leg.hangup(Cause.SHUTDOWN)
            return
        if enter(leg, self.plan, self.house):
            return
        line = leg.party.line
        for_help = line is None and self.plan.is_emergency(leg.dialled)
        if len(self._calls) >= self.house.settings.max_calls and not for_help:
            self._overload(leg)
            return
        if line is not None:
            self.house.traffic.came(leg, line)
        self._full = False
        present(leg, self.plan)
        call = Call(new_id(), leg, self.plan, self.house)
        self._journal.log(STARTED, call=Personal("call", call.id), caller=personal(leg.party))
        call.task = asyncio.get_running_loop().create_task(basic_call(call))
        call.task.add_done_callback(partial(self._finished, call))
        self._calls[call.id] = call

    def is_emergency(self, number: str) -> bool:
        """Whether a number calls for help, by the plan in force."""
        return self.plan.is_emergency(number)

    def turns_away(self, dialled: str) -> bool:
        """Tell whether an ordinary call to a number finds no room now: cheap, and before anybody is known.

        Help, and whoever picks up, parks or fetches somebody by a code or a slot, is never turned away.
        """
        house = self.house
        crowded = len(self._calls) >= CROWDED_SHARE * house.settings.max_calls
        if not crowded and not house.media.crowded(CROWDED_SHARE):
            if self._crowded:
                self._journal.log(ROOM, refused=self._crowded)
                self._crowded = 0
            return False
        plan = self.plan
        dialled, _ = plan.presentation(dialled)
        if dialled[:1] in {"*", "#"} or dialled in plan.slots or plan.is_emergency(dialled):
            return False
        if not self._crowded:
            self._journal.log(CROWDED)
        self._crowded += 1
        self.refused += 1
        return True

    def active(self) -> list[CallView]:
        """Return the calls of this moment, oldest first."""
        return [call.view() for call in self._calls.values()]

    def lights(self, extension: str) -> list[Light]:
        """Return what a lamp for an extension shows: one light for each of its calls."""
        found = (call.light(extension) for call in self._calls.values())
        return [light for light in found if light is not None]

    def lamp(self, number: str) -> str | None:
        """Return the name of the lamp of a park slot; None for a number that is none."""
        return lamp_of(number) if number in self.plan.slots else None

    def parked(self) -> list[ParkedView]:
        """Return who is parked, by slot."""
        return [view for call in self._calls.values() for view in views(call)]

    def conferences(self) -> list[PartyView]:
        """Return who is in a conference, by room."""
        return [view for meeting in self.house.meetings.all() for view in meeting.views()]

    def hangup(self, call_id: str) -> bool:
        """End a call on the operator's word; False if there is no such call."""
        call = self._calls.get(call_id)
        if call is None:
            return False
        call.end(Ending(Cause.NORMAL, By.OPERATOR))
        return True

    async def close(self) -> None:
        """Take no more calls and end those there are; they get two seconds, which they should not need."""
        self._closed = True
        for call in list(self._calls.values()):
            call.end(Ending(Cause.SHUTDOWN, By.BOX))
        if not self._calls:
            return
        self._empty = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._empty
        except TimeoutError:
            for call in list(
                self._calls.values()
            ):  # its flow does not let itself be cancelled: release it anyway
                self._release(call, Ending(Cause.SHUTDOWN, By.BOX))

    def _youngest(self) -> Call | None:
        """Return the call that makes way first when help needs its ports."""
        found = [call for call in self._calls.values() if not call.help and call.bridge and not call.ending]
        return found[-1] if found else None

    def _overload(self, leg: Leg) -> None:
        self.refused += 1
        if not self._full:
            self._full = True
            self._journal.log(OVERLOAD, limit=self.house.settings.max_calls)
        leg.hangup(Cause.OVERLOAD)

    def _finished(self, call: Call, task: asyncio.Task[Ending]) -> None:
        ending = Ending(Cause.FAILED, By.BOX)
        try:
            ending = task.result()
        except asyncio.CancelledError as cancelled:
            clear_frames(
                cancelled.__traceback__
            )  # the frames of a task group keep it, and so the call, in a cycle
        except Exception as fault:  # noqa: BLE001 - this is the supervisor: told here, and it ends this call alone
            self._journal.fault(FAULT, fault, call=Personal("call", call.id))
        self._release(call, call.ending or ending)

    def _release(self, call: Call, ending: Ending) -> None:
        if self._calls.pop(call.id, None) is None:
            return
        ended = call.moment()
        for fault in call.close(ending.cause):
            self._journal.fault(LOOSE, fault, call=Personal("call", call.id))
        try:
            self._records.record_call(record_of(call, ending, ended))
        except Exception as fault:  # noqa: BLE001 - a record that cannot be kept must not keep the call
            self._journal.fault(LOOSE, fault, call=Personal("call", call.id))
        seconds = 0.0 if call.answered is None else ended.now - call.answered.now
        callee = None if call.callee is None else personal(call.callee)
        self._journal.log(
            ENDED,
            call=Personal("call", call.id),
            caller=personal(call.caller.party),
            callee=callee,
            by=ending.by,
            cause=ending.cause,
            seconds=seconds,
        )
        if self._empty is not None and not self._calls and not self._empty.done():
            self._empty.set_result(None)
