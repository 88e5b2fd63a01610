"""Who calls in not to call somebody but to come into a call there is: Replaces, pickup, retrieval."""

from firmware.calls.call import Call, personal
from firmware.calls.cause import Cause
from firmware.calls.codes import Feature, Service
from firmware.calls.house import Circle, House
from firmware.calls.leg import Leg, Party, Replaced
from firmware.calls.plan import Hunt, Internal, ParkAt, Plan
from firmware.calls.rings import Ring
from firmware.journal import Kind
from firmware.labels import Personal

PICKED_UP = Kind("call.pickup", "{by} picks up a call that rings for {callee}")
RETRIEVED = Kind("call.retrieved", "{by} takes who is parked at {slot}")


def enter(leg: Leg, plan: Plan, house: House) -> bool:
    """Let an incoming leg into the call it wants to come into; False when it wants to call somebody."""
    if leg.replaces is not None:
        replaced, leg.replaces = leg.replaces, None
        _replace(leg, replaced, plan, house)
        return True
    wanted = plan.feature(leg.dialled, leg.party)
    match wanted:
        case Service(Feature.PICKUP, number):
            _pick_up(leg, number, plan, house)
        case ParkAt(number) if (slot := house.slots.get(number)) is not None:
            house.journal.log(RETRIEVED, by=personal(leg.party), slot=Personal("num", number))
            _take_place(leg, slot)
        case _:
            return False
    return True


def _replace(newcomer: Leg, replaced: Leg, plan: Plan, house: House) -> None:
    """Let a leg in where another talks or rings (RFC 3891)."""
    found = house.rings.find(lambda _, phone: phone is replaced)
    if found is None:
        _take_place(newcomer, replaced)
    else:
        ring, phone = found
        _take(newcomer, ring, phone, plan, house)


def _take_place(newcomer: Leg, replaced: Leg) -> None:
    """Let a leg into the call of the one it replaces, which decides what becomes of both."""
    call = replaced.owner
    if not isinstance(call, Call) or call.table is None or replaced.over:
        newcomer.hangup(Cause.UNREACHABLE)
    elif call.emergency:
        newcomer.hangup(Cause.NOT_ALLOWED)
    else:
        call.adopt(newcomer)
        call.deliver(replaced, Replaced(newcomer))


def _pick_up(newcomer: Leg, number: str, plan: Plan, house: House) -> None:
    """Let a leg have the call that rings longest: for a number, or for anybody of its groups."""
    by = newcomer.party
    meant: set[str | None] | None = None
    if number:
        match plan.route(number, by):
            case Internal(extension):
                meant = {extension}
            case Hunt(_, members):
                meant = {member.extension for member in members}
            case _:
                newcomer.hangup(Cause.UNKNOWN_NUMBER)
                return

    def wanted(ring: Ring, phone: Leg) -> bool:
        if meant is not None:
            return phone.party.extension in meant and ring.caller.extension != by.extension
        # Without a number "all" means the groups, too: nobody wants the call of just anybody.
        return _may(Circle.GROUP, plan, by, ring, phone)

    found = house.rings.find(wanted)
    if found is None:
        newcomer.hangup(Cause.UNREACHABLE)
    else:
        ring, phone = found
        _take(newcomer, ring, phone, plan, house)


def _take(newcomer: Leg, ring: Ring, phone: Leg, plan: Plan, house: House) -> None:
    if _may(house.settings.pickup, plan, newcomer.party, ring, phone):
        house.journal.log(PICKED_UP, by=personal(newcomer.party), callee=personal(phone.party))
        ring.take(phone, newcomer)
    else:
        newcomer.hangup(Cause.NOT_ALLOWED)


def _may(reach: Circle, plan: Plan, by: Party, ring: Ring, phone: Leg) -> bool:
    """Whether somebody may take a call from a phone of ours; what rings outside is nobody's to take."""
    theirs = phone.party.extension
    if by.extension is None or theirs is None or ring.caller.extension == by.extension:
        return False
    return reaches(reach, plan, by.extension, theirs)


def reaches(reach: Circle, plan: Plan, one: str, other: str) -> bool:
    """Whether a feature for some is for these two extensions."""
    return reach is Circle.ALL or (reach is Circle.GROUP and plan.together(one, other))
