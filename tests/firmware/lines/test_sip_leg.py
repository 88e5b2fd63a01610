"""A leg over a session: what is waited for ends with it, and what cannot be read is refused."""

import asyncio
from typing import Any, cast

import pytest

from firmware.calls.cause import Cause
from firmware.calls.leg import Answered, EarlyMedia, Ended, LegEvent, Party, Refused, Reoffer, Ringing
from firmware.calls.scope import Scope
from firmware.lines.sip_leg import IncomingLeg, OutgoingLeg, read
from firmware.media import Description, Offers
from sip.errors import LocalError
from sip.listener import End
from tests.firmware.lines.house import sdp
from tests.support.virtual_time import run, settle


class Session:
    """A session that writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.listener: Any = None
        self.busy = False
        self.settled: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        def ask(*values: Any, **_: Any) -> None:
            self.asked.append((name, *values))
            if self.busy and name == "reoffer":
                raise LocalError("busy")
            if name == "hangup" and self.listener is not None:
                self.listener.ended(self, End(487, "", far=False, why="cancelled"))

        return ask

    @property
    def names(self) -> list[str]:
        return [ask[0] for ask in self.asked]


def description(port: int) -> Description:
    found = read(sdp(port))
    assert found is not None
    return found


def incoming(session: Session, offer: Description | None) -> IncomingLeg:
    return IncomingLeg(
        "leg", Party("id-101", "101"), lambda: 5.0, cast(Any, session), dialled="102", description=offer
    )


def outgoing(session: Session, *, offerless: bool = False) -> OutgoingLeg:
    offers = None if offerless else Offers.same(description(4000))
    leg = OutgoingLeg("leg", Party("id-102", "102"), lambda: 5.0, offers=offers)
    leg.calling(cast(Any, session))
    session.listener = leg
    return leg


async def events(leg: IncomingLeg | OutgoingLeg, count: int) -> list[LegEvent]:
    scope = Scope()
    scope.adopt(leg)
    return [(await scope.event())[1] for _ in range(count)]


def test_an_offer_fails_with_the_session_it_was_made_on() -> None:
    async def main() -> None:
        session = Session()
        leg = outgoing(session)
        leg.answered(cast(Any, session), sdp(5000))
        offer = asyncio.create_task(leg.offer(description(4000)))
        await settle()
        leg.ended(cast(Any, session), End(481, "", far=True, why="timeout"))
        with pytest.raises(Refused) as refusal:
            await offer
        assert refusal.value.cause is Cause.FAILED
        assert (await events(leg, 2))[1] == Ended(Cause.FAILED)

    run(main())


def test_an_unreadable_answer_is_a_refusal() -> None:
    async def main() -> None:
        session = Session()
        leg = outgoing(session)
        offer = asyncio.create_task(leg.offer(description(4000)))
        await settle()
        leg.reoffered(cast(Any, session), b"nonsense")
        with pytest.raises(Refused) as refusal:
            await offer
        assert refusal.value.cause is Cause.NOT_ACCEPTABLE

    run(main())


def test_only_one_offer_at_a_time_and_a_busy_session_is_glare() -> None:
    async def main() -> None:
        session = Session()
        leg = outgoing(session)
        first = asyncio.create_task(leg.offer(description(4000)))
        await settle()
        with pytest.raises(Refused, match="glare"):
            await leg.offer(description(4002))
        leg.reoffered(cast(Any, session), sdp(5000))
        assert bytes(await first) == sdp(5000)
        session.busy = True
        with pytest.raises(Refused, match="glare"):
            await leg.offer(description(4004))

    run(main())


def test_a_cancelled_offer_ignores_its_late_answer() -> None:
    async def main() -> None:
        session = Session()
        leg = outgoing(session)
        offer = asyncio.create_task(leg.offer(description(4000)))
        await settle()
        offer.cancel()
        await settle()
        leg.reoffered(cast(Any, session), sdp(5000))
        leg.refused(cast(Any, session), 488)
        assert offer.cancelled()

    run(main())


def test_a_phone_that_answers_nonsense_is_hung_up() -> None:
    async def main() -> None:
        session = Session()
        leg = outgoing(session)
        leg.answered(cast(Any, session), b"nonsense")
        assert await events(leg, 1) == [Ended(Cause.NOT_ACCEPTABLE)]
        assert session.names == ["hangup"]

    run(main())


def test_a_reoffer_nobody_can_read_is_refused_at_once() -> None:
    session = Session()
    leg = outgoing(session)
    leg.offered(cast(Any, session), b"nonsense")
    assert session.asked == [("refuse_offer", 5.0, 488)]


def test_progress_becomes_ringing_or_early_media() -> None:
    async def main() -> None:
        session = Session()
        leg = outgoing(session)
        for status, body in (
            (180, None),
            (181, None),
            (183, None),
            (183, sdp(1000)),
            (180, sdp(1002)),
            (180, b"x"),
        ):
            leg.progress(cast(Any, session), status, body)
        leg.answered(cast(Any, session), sdp(5000))
        leg.offered(cast(Any, session), None)
        assert await events(leg, 6) == [
            Ringing(),
            EarlyMedia(description(1000)),
            EarlyMedia(description(1002)),
            Ringing(),
            Answered(description(5000)),
            Reoffer(None),
        ]

    run(main())


def test_a_leg_that_is_over_asks_nothing_of_its_session() -> None:
    async def main() -> None:
        for session in (Session(), Session()):
            leg = incoming(session, description(4000))
            leg.hangup(Cause.BUSY)
            assert session.asked[0][:3] == ("hangup", 5.0, 486)
            leg.hangup(Cause.NORMAL)
            leg.ring()
            leg.early_media(description(1))
            leg.answer(description(1))
            leg.accept(description(1))
            leg.refuse(Cause.GLARE)
            with pytest.raises(Refused):
                await leg.offer(description(1))
            assert session.names == ["hangup"]

    run(main())


def test_a_caller_without_an_offer_is_answered_by_one() -> None:
    async def main() -> None:
        session = Session()
        leg = incoming(session, None)
        offer = asyncio.create_task(leg.offer(description(5000)))
        await settle()
        assert session.asked == [("accept", sdp(5000), 5.0)]
        leg.acked(cast(Any, session), sdp(4000))
        assert bytes(await offer) == sdp(4000)

    run(main())


def test_an_offerless_callee_gets_its_answer_in_the_ack_and_later_ones_in_a_200() -> None:
    session = Session()
    leg = outgoing(session, offerless=True)
    leg.accept(description(4000))
    leg.accept(description(4002))
    assert session.asked == [("ack", sdp(4000), 5.0), ("accept_offer", sdp(4002), 5.0)]


@pytest.mark.parametrize(
    ("cause", "status"),
    [(Cause.GLARE, 491), (Cause.NOT_ACCEPTABLE, 488), (Cause.FAILED, 500), (Cause.UNREACHABLE, 500)],
)
def test_a_refused_change_never_ends_the_session(cause: Cause, status: int) -> None:
    session = Session()
    leg = outgoing(session)
    leg.refuse(cause)
    assert session.asked[0][:3] == ("refuse_offer", 5.0, status)
