"""A forwarded call on the wire: what the phone that rings is told of its way."""

from dataclasses import replace

from firmware.calls.codes import Codes, Feature
from firmware.calls.plan import Plan
from firmware.store.model import Forward, Occasion
from tests.firmware.lines.house import House, headers, play


def test_a_forwarded_invite_tells_its_way() -> None:
    async def scene(house: House) -> None:
        ben = replace(house.extensions[2], forwards=(Forward(Occasion.BUSY, "100"),))
        house.calls.plan = Plan(("112",), [*house.extensions[:2], ben])
        anna, desk, nora = house.phone("101", 11), house.phone("102", 12), house.phone("100", 13)
        for phone in (anna, desk, nora):
            assert await phone.register() == 200
        await anna.call("102")
        [first] = house.sent_to(desk, "INVITE")
        assert not headers(first, "Diversion")
        assert not headers(first, "History-Info")
        await desk.reject(486)
        [second] = house.sent_to(nora, "INVITE")
        assert headers(second, "Diversion") == ['"Ben" <sip:102@192.168.1.1>;reason=user-busy;counter=1']
        assert headers(second, "History-Info") == [
            "<sip:102@192.168.1.1>;index=1, <sip:100@192.168.1.1;cause=486>;index=1.1;mp=1"
        ]
        assert "anna" not in second.lower().partition("from:")[0]
        await nora.answer()
        await anna.hangup()

    [record] = play(scene).records
    assert (record.callee, record.dialled) == ("id-100", "102")


def test_a_code_without_a_store_is_refused_by_a_final_answer() -> None:
    async def scene(house: House) -> None:
        house.calls.plan = Plan(("112",), house.extensions, codes=Codes({Feature.DND: "*78"}))
        anna = house.phone("101", 11)
        assert await anna.register() == 200
        await anna.call("*78")
        assert house.sent_to(anna, "SIP/2.0 403")

    play(scene)
