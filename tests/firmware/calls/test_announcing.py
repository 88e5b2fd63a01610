"""What the box says by itself: the echo, the own number in prompts or beeps."""

from firmware.calls.codes import Codes, Feature
from firmware.calls.signals import BEEP, LEAD, counted
from firmware.media import Prompt
from rtp.seat import ECHO
from tests.support.legs import Exchange, ladder, lines

CODES = Codes({Feature.ECHO: "*43", Feature.NUMBER: "*65"})


def office() -> Exchange:
    return Exchange(codes=CODES)


def test_an_echo() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("*43")
        [place] = x.media.places
        assert place.flags == ECHO
        assert x.media.played == [(1, [BEEP.plan])]
        await anna.offers("a2")
        await anna.hangs_up()

    assert ladder(scene, office) == lines("""
        anna -> INVITE *43 a
        anna <- 200 box'
        anna -> offer a2
        anna <- accept box'
        anna -> hangup
        record normal by caller
    """)


def test_a_caller_without_an_offer_is_made_one() -> None:
    async def scene(x: Exchange) -> None:
        anna = await x.call("*43", None)
        await anna.accepts("a")
        await anna.hangs_up()

    assert ladder(scene, office)[1] == "anna <- offer box'"


def test_the_own_number_in_prompts() -> None:
    async def scene(x: Exchange) -> None:
        x.media.sounds = {Prompt("en/your-number"), Prompt("en/1"), Prompt("en/0")}
        anna = await x.call("*65")
        assert x.media.played == [(1, [LEAD.plan, "en/your-number", "en/1", "en/0", "en/1"])]
        assert not anna.over
        await x.media.places[0].ends()
        assert anna.over

    assert ladder(scene, office)[-1] == "record normal by callee"


def test_the_own_number_in_beeps_where_a_prompt_is_missing() -> None:
    async def scene(x: Exchange) -> None:
        x.media.sounds = {Prompt("en/your-number"), Prompt("en/1")}
        anna = await x.call("*65")
        one, ten = counted("1").plan, counted("0").plan
        assert x.media.played == [(1, [LEAD.plan, one, ten, one])]
        await anna.hangs_up()

    ladder(scene, office)
