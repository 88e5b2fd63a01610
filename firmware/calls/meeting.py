"""Conferences: whoever dials the number of a room hears the others who did; the last to leave ends it.

A room with a PIN takes it as keys (RFC 4733), in a room of the guest's own until it is right. In the
conference *6 mutes who presses it, or lets them be heard again; *5, of somebody of the house, locks the door.
Where only callers from outside are left it ends: nobody would notice what they cost.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from firmware.calls.box_leg import BoxLeg
from firmware.calls.call import Call, personal
from firmware.calls.cause import Cause
from firmware.calls.house import House
from firmware.calls.leg import Leg, Party
from firmware.calls.plan import MeetAt
from firmware.calls.signals import (
    ASK,
    BEEP,
    HEARD,
    JOINED,
    LEFT,
    LOCKED,
    SILENCED,
    UNLOCKED,
    WRONG,
)  # fmt: skip
from firmware.journal import Kind, Level
from firmware.labels import Personal
from rtp.seat import MUTED

PIN_SECONDS = 30.0
TRIES = 3

JOIN = Kind("conference.joined", "{call} is in room {room}, one of {parties}")
BROUGHT = Kind("conference.brought", "somebody is brought into room {room}, one of {parties}")
LEAVE = Kind("conference.left", "{call} has left room {room}, {parties} stay")
REFUSED = Kind("conference.pin", "{call} did not know the PIN of room {room}", Level.WARNING)


@dataclass(frozen=True, slots=True)
class PartyView:
    """What operations show of somebody in a conference. `since` is in unix seconds."""

    room: str
    call: str
    who: Personal
    since: float
    speaking: bool
    muted: bool
    locked: bool


class Meeting:
    """One conference while somebody is in it. `room` is the number of the media process."""

    __slots__ = ("_house", "legs", "locked", "muted", "number", "room", "speaker")

    def __init__(self, house: House, number: str) -> None:
        self._house = house
        self.number = number
        self.room = 0
        self.legs: dict[BoxLeg, float] = {}  # since when
        self.speaker: BoxLeg | None = None
        self.muted: set[BoxLeg] = set()
        self.locked = False

    def join(self, leg: BoxLeg) -> None:
        """Take somebody in; everybody there hears it."""
        if not self.legs:
            self.room = leg.place.room
            self._house.meetings.put(self)
            leg.place.play([BEEP])
        else:
            leg.place.move(self.room)
            leg.place.play_to_all([JOINED])
        self.legs[leg] = self._house.clock.wall()
        leg.place.on_speaker = lambda: self._speaks(leg)
        if isinstance(leg.owner, Call):
            self._log(JOIN, leg)
        else:  # handed over: the call there is tells who
            room = Personal("num", self.number)
            self._house.journal.log(BROUGHT, room=room, parties=len(self.legs))

    def leave(self, leg: BoxLeg) -> None:
        """Let somebody go; whoever stays hears it."""
        if self.legs.pop(leg, None) is None:
            return
        self.muted.discard(leg)
        if self.speaker is leg:
            self.speaker = None
        self._log(LEAVE, leg)
        stays = next(iter(self.legs), None)
        if stays is None:
            self._house.meetings.end(self.number)
        elif all(_outside(other) for other in self.legs):
            for other in tuple(self.legs):
                other.leave()
        else:
            stays.place.play_to_all([LEFT])

    def mute(self, leg: BoxLeg) -> None:
        """Mute somebody, or let them be heard again."""
        self.muted ^= {leg}
        muted = leg in self.muted
        leg.place.move(self.room, MUTED if muted else 0)
        leg.place.play([SILENCED if muted else HEARD])

    def lock(self, leg: BoxLeg) -> None:
        """Let nobody else in, or again; callers from outside may not."""
        if not _outside(leg):
            self.locked = not self.locked
            leg.place.play_to_all([LOCKED if self.locked else UNLOCKED])

    def views(self) -> list[PartyView]:
        """Return who is there, who came first first."""
        found = []
        for leg, since in self.legs.items():
            guest = leg.guest
            if isinstance(leg.owner, Call) and guest is not None:
                flags = leg is self.speaker, leg in self.muted, self.locked
                found.append(PartyView(self.number, leg.owner.id, personal(guest), since, *flags))
        return found

    def _speaks(self, leg: BoxLeg) -> None:
        self.speaker = leg

    def _log(self, kind: Kind, leg: BoxLeg) -> None:
        call = Personal("call", leg.owner.id if isinstance(leg.owner, Call) else "")
        self._house.journal.log(kind, call=call, room=Personal("num", self.number), parties=len(self.legs))


def _outside(leg: BoxLeg) -> bool:
    guest = leg.guest
    return guest is not None and guest.extension is None


class _Guest:
    """Somebody on the way into a conference, and there."""

    __slots__ = ("_house", "_keys", "_leg", "_meeting", "_room", "_star", "_timer", "_tries")

    def __init__(self, house: House, leg: BoxLeg, room: MeetAt) -> None:
        self._house = house
        self._leg = leg
        self._room = room
        self._meeting: Meeting | None = None
        self._keys = ""
        self._tries = 0
        self._star = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Take them in, or ask for the PIN first."""
        if not self._room.pin:
            self._enter()
            return
        self._leg.place.play([ASK])
        self._timer = asyncio.get_running_loop().call_later(PIN_SECONDS, self._leg.leave, Cause.NO_ANSWER)

    def key(self, key: str) -> None:
        """Take a key; the PIN is over with its last digit or with #."""
        if self._meeting is not None:
            self._command(self._meeting, key)
            return
        if key in "0123456789":
            self._keys += key
        if key != "#" and len(self._keys) < len(self._room.pin):
            return
        keys, self._keys = self._keys, ""
        if keys == self._room.pin:
            self._enter()
            return
        self._tries += 1
        if self._tries < TRIES:
            self._leg.place.play([WRONG])
            return
        owner = self._leg.owner
        call = Personal("call", owner.id if isinstance(owner, Call) else "")
        self._house.journal.log(REFUSED, call=call, room=Personal("num", self._room.number))
        self._leg.leave(Cause.NOT_ALLOWED)

    def end(self) -> None:
        """Go, from wherever they are."""
        self._stop_waiting()
        if self._meeting is not None:
            self._meeting.leave(self._leg)

    def _command(self, meeting: Meeting, key: str) -> None:
        after_star, self._star = self._star, key == "*"
        if after_star and key == "6":
            meeting.mute(self._leg)
        elif after_star and key == "5":
            meeting.lock(self._leg)

    def _enter(self) -> None:
        self._stop_waiting()
        meetings, number = self._house.meetings, self._room.number
        if not meetings.takes(number):  # the last place was taken while the PIN was pressed
            self._leg.leave(Cause.BUSY)
            return
        self._meeting = meetings.get(number) or Meeting(self._house, number)
        self._meeting.join(self._leg)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Gathered:
    """The transfer of a call into a conference that no REFER asked for, so nobody is told of it."""

    __slots__ = ("consulted", "dialled", "room")

    def __init__(self, room: MeetAt) -> None:
        self.room = room
        self.dialled = room.number
        self.consulted: Leg | None = None

    def ringing(self) -> None:
        """Do nothing."""

    def done(self) -> None:
        """Do nothing: the conference plays its tone."""

    def failed(self, cause: Cause) -> None:
        """Do nothing: the call is as it was."""
        del cause


def guest(house: House, room: MeetAt, came: Callable[[], None] | None = None) -> BoxLeg:
    """Return the box's end for somebody who comes into a conference; `came` is called when they hear it."""
    leg = BoxLeg(house.media.place(), Party(None, room.number))
    coming = _Guest(house, leg, room)

    def start() -> None:
        coming.start()
        if came is not None:
            came()

    leg.on_start, leg.on_key, leg.on_end = start, coming.key, coming.end
    return leg
