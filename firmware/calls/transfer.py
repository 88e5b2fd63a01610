"""Transfer: one party of a call hands its place to somebody else.

The other party talks on, on the same ports: the newcomer is asked for an offer, the one who stays answers it.
Until both have agreed nothing of the call changes, so a transfer that fails leaves it as it was.
"""

from dataclasses import dataclass

from firmware.calls.call import Call, Ending, State, personal
from firmware.calls.cause import Cause
from firmware.calls.codes import Feature, Service
from firmware.calls.help import call_help
from firmware.calls.house import Bridge
from firmware.calls.leg import Leg, Manner, Party, Referral, Refused
from firmware.calls.meeting import Gathered, guest
from firmware.calls.park import ParkSlot, vacant
from firmware.calls.plan import Emergency, Hunt, Internal, MeetAt, NotAllowed, Outside, ParkAt
from firmware.calls.scope import Scope
from firmware.calls.search import Search
from firmware.journal import Kind
from firmware.labels import Personal
from firmware.media import Description, Side

TRANSFERRED = Kind("call.transferred", "{call}: {by} handed over to {to}")
NOT_TRANSFERRED = Kind("call.transfer.failed", "{call}: {by} could not hand over: {cause}")


@dataclass(slots=True)
class Newcomer:
    """Who comes into the call: the leg, what it offers, and what to answer if nobody wants it."""

    leg: Leg
    offer: Description
    before: Description | None = None
    owner: object = None  # the other call it was fetched from


class _Handed:
    """Who stays, while somebody is sought for them: what they would hear goes to who transfers."""

    __slots__ = ("_referral", "party")

    def __init__(self, party: Party, referral: Referral) -> None:
        self.party = party
        self._referral = referral

    @property
    def description(self) -> None:
        """None: whoever is found makes the offer."""

    def ring(self) -> None:
        """Tell who transfers."""
        self._referral.ringing()

    def faces(self, party: Party) -> None:
        """Do nothing: they still face who transfers."""

    def early_media(self, answer: Description) -> None:
        """Do nothing: they still hear, or do not hear, who transfers."""


class Errand(Scope):
    """The scope of a search for somebody else; its legs are the call's only once they have answered."""

    __slots__ = ("callee", "caller", "emergency", "house", "place", "plan", "referrer", "state")

    def __init__(self, call: Call, stays: Leg, by: Leg, referral: Referral, place: Side) -> None:
        super().__init__()
        self.referrer = by.party
        self.place = place
        self.emergency = call.emergency
        self.callee: Party | None = None
        self.caller = _Handed(stays.party, referral)
        self.house = call.house
        self.plan = call.plan
        self.state = State.DIALLING


async def reach(
    errand: Errand, bridge: Bridge, by: Leg, referral: Referral, heard: Description | None
) -> Newcomer:
    """Find whom a blind transfer means, by the rights of who transfers; raises Refused if nobody answers.

    `heard` is what who stays was last given: parking gives them the same without media.
    """
    route = (
        referral.room if isinstance(referral, Gathered) else errand.plan.route(referral.dialled, by.rights)
    )
    match route:
        case Outside() if not errand.plan.may_leave(errand.caller.party):
            raise Refused(Cause.NOT_ALLOWED)
        case Internal() | Hunt() | Outside():
            manner = Manner.RECALL if isinstance(by, ParkSlot) else Manner.USUAL
            outcome = await Search(errand, bridge, None, manner).go(route)
        case ParkAt(number):
            return _park(errand, bridge, by, number, heard)
        case Service(Feature.PARK):
            return _park(errand, bridge, by, vacant(errand.house.slots, errand.plan.slots), heard)
        case MeetAt(number):
            if not errand.house.meetings.takes(number):
                raise Refused(Cause.BUSY)
            leg = guest(errand.house, route)
            errand.adopt(leg)
            return Newcomer(leg, await leg.ask())
        case Emergency(number):
            outcome = await call_help(errand, bridge, None, number)
        case NotAllowed():
            raise Refused(Cause.NOT_ALLOWED)
        case _:
            raise Refused(Cause.UNKNOWN_NUMBER)
    if isinstance(outcome, Ending):
        raise Refused(outcome.cause)
    return Newcomer(outcome.phone, outcome.description)


def _park(errand: Errand, bridge: Bridge, by: Leg, slot: str | None, heard: Description | None) -> Newcomer:
    """Let a slot take the place of `by`; raises Refused where it may not, or none is free."""
    if errand.emergency or isinstance(by, ParkSlot):
        raise Refused(Cause.NOT_ALLOWED)
    if slot is None or errand.house.slots.get(slot) is not None:
        raise Refused(Cause.BUSY)
    if heard is None:
        raise Refused(Cause.GLARE)  # who stays has not even answered the first offer
    leg = ParkSlot(errand.house, bridge, slot, by.party)
    errand.adopt(leg)
    return Newcomer(leg, bridge.silent(heard))


async def fetch(consulted: Leg) -> Newcomer:
    """Ask who talks with the consulted leg, in another call, for an offer; raises Refused."""
    call = consulted.owner
    table = call.table if isinstance(call, Call) else None
    leg = None if table is None else table.other(consulted)
    if table is None or leg is None:
        raise Refused(Cause.UNREACHABLE)
    before = table.told(leg)
    if before is None:
        raise Refused(Cause.UNREACHABLE)
    return Newcomer(leg, await leg.ask(), before, call)


def report(call: Call, by: Leg, to: Party | None, cause: Cause | None = None) -> None:
    """Journal how a transfer ended."""
    known: dict[str, Personal] = {"call": Personal("call", call.id), "by": personal(by.party)}
    if cause is None and to is not None:
        call.house.journal.log(TRANSFERRED, **known, to=personal(to))
    else:
        call.house.journal.log(NOT_TRANSFERRED, **known, cause=cause)
