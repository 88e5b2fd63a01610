"""Three at once, or more: whoever dials the code brings whom they talk with, or hold, into a conference.

Each of the other calls of their phone is handed over into it as by a transfer to a room, and the phone's end
of it is hung up. The conference has the number that was dialled and the caller's own behind it; nobody can
dial that.
"""

from collections.abc import Iterator

from firmware.calls.box_leg import BoxLeg
from firmware.calls.call import By, Call, Ending
from firmware.calls.cause import Cause
from firmware.calls.leg import Leg, Referred
from firmware.calls.meeting import Gathered, guest
from firmware.calls.park import ParkSlot
from firmware.calls.plan import MeetAt
from firmware.calls.visit import visit


async def gather(call: Call) -> Ending:
    """Bring the caller's other calls into a conference with them. Raises NoPorts, NotAcceptable."""
    mine, meetings = call.caller.party, call.house.meetings
    room = MeetAt(call.caller.dialled.removesuffix("#") + mine.number)
    if next(_others(call), None) is None:
        return Ending(Cause.UNREACHABLE, By.BOX)
    if not meetings.takes(room.number):
        return Ending(Cause.BUSY, By.BOX)

    def bring() -> None:
        meeting = meetings.get(room.number)
        for leg, other in tuple(_others(call)):
            if not isinstance(other, BoxLeg):
                leg.emit(Referred(Gathered(room)))
            elif meeting is not None and other in meeting.legs:
                other.leave()  # they have come back by the new call

    return await visit(call, guest(call.house, room, bring))


def _others(call: Call) -> Iterator[tuple[Leg, Leg | None]]:
    """Give the legs of the caller's phone in other calls, but no calls for help, and who talks with them.

    That is not to be known while such a call changes; handing it over waits until it has.
    """
    for leg in call.house.present.of(call.caller.party.extension or ""):
        owner = leg.owner
        if not isinstance(owner, Call) or owner is call or owner.emergency or owner.table is None:
            continue
        other = owner.table.other(leg)
        if not isinstance(other, ParkSlot) and leg.device == call.caller.device:
            yield leg, other
