"""Calls to numbers outside, as ladders: lines in their order, permission, caps, who is shown."""

from dataclasses import replace

from firmware.calls.cause import Cause
from firmware.calls.dialling import Caps
from firmware.calls.leg import Party
from firmware.calls.plan import Plan
from firmware.store.model import CallKind, Forward, Occasion, Outward, Reach
from tests.support.legs import Exchange, Person, ladder, lines
from tests.support.scripted_lines import DIALLING, connect

TOWN = "030 2345678"


def test_a_call_goes_out_on_the_first_line_and_its_number_is_not_kept() -> None:
    async def play(x: Exchange) -> None:
        (isdn, _) = connect(x, "isdn", "sip")
        anna = await x.call(TOWN)
        await isdn.legs[0].rings()
        await isdn.legs[0].answers("b")
        await anna.hangs_up()
        (record,) = x.records
        assert (record.kind, record.dialled, record.line) == (CallKind.OUTGOING, None, "isdn")
        assert (record.caller, record.callee) == ("id-anna", None)

    assert ladder(play) == lines("""
        anna -> INVITE 030 2345678 a
        isdn.1 <- INVITE +49302345678 as +4930555101 a'
        isdn.1 -> 180
        anna <- 180
        isdn.1 -> 200 b
        anna <- 200 b'
        anna -> hangup
        isdn.1 <- hangup normal
        record normal by caller
    """)


def test_lines_that_are_down_full_or_fail_are_passed_over() -> None:
    async def play(x: Exchange) -> None:
        down, full, fails, good = connect(x, "down", "full", "fails", "good")
        down.up = False
        full.most = 0
        anna = await x.call(TOWN)
        await fails.legs[0].plays("early")
        await fails.legs[0].ends(Cause.NO_LINE)
        await good.legs[0].answers("b")
        assert not down.legs
        assert not full.legs
        await anna.hangs_up()

    assert ladder(play)[1:7] == lines("""
        fails.1 <- INVITE +49302345678 as +4930555101 a'
        fails.1 -> 183 early
        anna <- 183 early'
        fails.1 -> no-line
        good.1 <- INVITE +49302345678 as +4930555101 a'
        good.1 -> 200 b
    """)


def test_what_the_person_called_says_is_final() -> None:
    async def play(x: Exchange) -> None:
        isdn, sip = connect(x, "isdn", "sip")
        await x.call(TOWN)
        await isdn.legs[0].ends(Cause.BUSY)
        assert not sip.legs

    assert ladder(play)[-2:] == ["anna <- hangup busy", "record busy by callee"]


def test_all_lines_taken_is_said_honestly() -> None:
    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn", most=1)
        anna = await x.call(TOWN)
        await isdn.legs[0].answers("b")
        ben = await x.call_from(Party("id-ben", "102"), "ben", TOWN, "c")
        assert ben.over
        assert x.ladder[-2:] == ["ben <- hangup no-line", "record no-line by box"]
        await anna.hangs_up()
        await x.call_from(Party("id-ben", "102"), "ben", TOWN, "c")
        await isdn.legs[1].ends(Cause.BUSY)

    ladder(play)


def test_no_lines_at_all() -> None:
    async def play(x: Exchange) -> None:
        connect(x)
        await x.call(TOWN)

    assert ladder(play)[-1] == "record no-line by box"


def test_international_and_premium_numbers_are_closed_at_birth() -> None:
    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn")
        for number in ("0043 664 1234567", "0900 1 234567", "+1 876 555 1234", "+882 1612345", "11833"):
            leg = await x.call(number)
            assert leg.over
            assert x.records[-1].cause == "not-allowed"
            assert (x.records[-1].kind, x.records[-1].dialled) == (CallKind.OUTGOING, None)
        assert not isdn.legs

    ladder(play)


def test_somebody_may_call_one_country_and_somebody_nothing() -> None:
    people = (
        Person("id-anna", "101", "Anna", outward=Outward(countries=("at",))),
        Person("id-ben", "102", "Ben", outward=Outward(frozenset())),
    )

    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn")
        await x.call("0043 664 1234567")
        await isdn.legs[0].ends(Cause.BUSY)
        await x.call("0041 44 6681800")
        assert x.records[-1].cause == "not-allowed"
        for number in ("101", TOWN):
            await x.call_from(Party("id-ben", "102"), "ben", number, "c")
            assert x.records[-1].cause == "not-allowed"
        assert len(isdn.legs) == 1

    ladder(play, lambda: Exchange(people))


def test_a_cap_on_calls_at_once_and_within_an_hour() -> None:
    async def play(x: Exchange) -> None:
        capped = replace(DIALLING, caps=Caps(at_once=1, hourly=2))
        (isdn,) = connect(x, "isdn", most=9, dialling=capped)
        first = await x.call(TOWN)
        await x.call(TOWN)
        assert x.records[-1].cause == "capped"
        assert x.events[-1][0].name == "call.ended"
        assert sum(kind.name == "call.capped" for kind, _ in x.events) == 1
        await first.hangs_up()
        second = await x.call(TOWN)
        await second.hangs_up()
        await x.call(TOWN)
        assert x.records[-1].cause == "capped"
        x.calls.house.traffic.forget("id-anna")
        third = await x.call(TOWN)
        assert not third.over
        await third.hangs_up()
        assert len(isdn.legs) == 3

    ladder(play)


def test_a_line_that_had_its_hour_is_passed_over() -> None:
    async def play(x: Exchange) -> None:
        isdn, sip = connect(x, "isdn", "sip", most=9, dialling=replace(DIALLING, caps=Caps(line_hourly=1)))
        for _ in range(2):
            await (await x.call(TOWN)).hangs_up()
        assert (len(isdn.legs), len(sip.legs)) == (1, 1)
        await x.call(TOWN)
        assert x.records[-1].cause == "capped"

    ladder(play)


def test_a_forward_goes_out_by_the_permission_and_at_the_cost_of_who_set_it() -> None:
    mobile = Forward(Occasion.ALWAYS, "0170 1234567".replace(" ", ""))
    abroad = Forward(Occasion.ALWAYS, "00436641234567")

    def people(forward: Forward) -> tuple[Person, ...]:
        return (Person("id-anna", "101", "Anna"), Person("id-ben", "102", "Ben", forwards=(forward,)))

    async def out(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn")
        await x.call("102")
        assert x.ladder[-1] == "isdn.1 <- INVITE +491701234567 as +4930555101 a' by 102 always"
        assert x.calls.house.traffic.of("id-ben") == 1
        await isdn.legs[0].ends(Cause.BUSY)

    async def closed(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn")
        anna = await x.call("102")
        assert not isdn.legs
        assert x.ladder[-1] == "ben <- INVITE from 101 a'"
        await anna.hangs_up()

    ladder(out, lambda: Exchange(people(mobile)))
    ladder(closed, lambda: Exchange(people(abroad)))


def test_callers_from_outside_leave_again_only_where_the_site_lets_them() -> None:
    people = (
        Person("id-anna", "101", "Anna"),
        Person("id-ben", "102", "Ben", forwards=(Forward(Occasion.ALWAYS, "01701234567"),)),
    )
    stranger = Party(None, "+4989123456", line="isdn")

    async def stays(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn")
        caller = await x.call_from(stranger, "caller", "+493055577", "a")
        assert not isdn.legs
        assert x.ladder[-1] == "ben <- INVITE from +4989123456 a'"
        await caller.hangs_up()
        assert (x.records[-1].kind, x.records[-1].line) == (CallKind.INCOMING, "isdn")

    async def leaves(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn", dialling=replace(DIALLING, send_on=True))
        caller = await x.call_from(stranger, "caller", "+493055577", "a")
        assert x.ladder[-1] == "isdn.1 <- INVITE +491701234567 as +493055577 a' by 102 always" or (
            x.ladder[-1] == "isdn.1 <- INVITE +491701234567 as +4930555102 a' by 102 always"
        )
        assert x.calls.house.traffic.on("isdn") == 2
        await isdn.legs[0].ends(Cause.BUSY)
        assert caller.over

    ladder(stays, lambda: Exchange(people))
    ladder(leaves, lambda: Exchange(people))


def test_callers_from_outside_reach_people_and_nothing_else() -> None:
    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn")
        stranger = Party(None, "anonymous", line="isdn")
        for number in ("112", "+49302345678", "*72101", "urn:service:sos", "", "999"):
            caller = await x.call_from(stranger, "caller", number, "a")
            assert x.phone().party.number == "101"  # the reception
            await caller.hangs_up()
        for number in ("+4930555102", "004930555102", "4930555102", "030555102", "102", "+493055577"):
            caller = await x.call_from(stranger, "caller", number, "a")
            assert x.phone().party.number == "102"
            await caller.hangs_up()
        assert not isdn.legs
        assert all(record.dialled is None for record in x.records)

    def exchange() -> Exchange:
        x = Exchange()
        x.phones = {"101": ["anna"], "102": ["ben"]}
        return x

    ladder(play, exchange)


def test_a_blind_transfer_outside_obeys_who_transfers() -> None:
    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn")
        anna = await x.call("102")
        ben = x.phone()
        await ben.answers("b")
        await anna.refers("00436641234567")
        assert x.ladder[-1] == "anna <- NOTIFY not-allowed"
        await anna.refers(TOWN)
        assert x.ladder[-1] == "isdn.1 <- INVITE +49302345678 as +4955501427731 (no offer)"
        assert x.calls.house.traffic.of("id-anna") == 1
        await isdn.legs[0].ends(Cause.BUSY)
        assert x.ladder[-1] == "anna <- NOTIFY busy"
        await ben.hangs_up()

    ladder(play)


def test_an_outside_party_transfers_nobody_outside() -> None:
    async def play(x: Exchange) -> None:
        (isdn,) = connect(x, "isdn")
        anna = await x.call(TOWN)
        await isdn.legs[0].answers("b")
        await isdn.legs[0].refers("+491701234567")
        assert len(isdn.legs) == 1
        await isdn.legs[0].hangs_up()
        assert anna.over

    ladder(play)


def test_who_is_shown() -> None:
    people = (
        Person("id-1", "101", "", ("030 5550199",)),
        Person("id-2", "102", "", outward=Outward(shown="+49305550188")),
        Person("id-3", "2000", ""),
        Person("id-4", "104", ""),
    )
    plan = Plan(("112",), people, dialling=DIALLING)
    shown = {
        each.number: plan.caller_id(Party(each.id, each.number), Party(None, "")).number for each in people
    }
    assert shown == {"101": "+49305550199", "102": "+49305550188", "2000": "+49305550", "104": "+4930555104"}
    stranger = Party(None, "+4989123456", private=True, line="isdn")
    assert plan.caller_id(stranger, Party("id-2", "102")).number == "+49305550188"
    assert plan.caller_id(stranger, Party("id-2", "102")).private
    assert plan.caller_id(Party("id-4", "104", "Dora"), Party("id-4", "104", "Dora")).name == ""
    assert Reach.INTERNATIONAL not in DIALLING.allow
