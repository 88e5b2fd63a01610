"""The dial plan: its order, its snapshot, and that nothing shadows an emergency."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.calls.leg import Party
from firmware.calls.plan import Emergency, Internal, NotAllowed, Plan, Unknown
from tests.support.legs import Person

ANNA = Person("id-anna", "101", "Anna", ("+49-555-0142",))
CALLER = Party("id-x", "100")
STRANGER = Party(None, "")


def test_number_and_alias_and_nobody() -> None:
    plan = Plan(["112"], [ANNA])
    found = plan.route("101", CALLER)
    assert found == Internal("id-anna", Party("id-anna", "101", "Anna"))
    assert plan.route("+495550142", CALLER) == found
    assert plan.route("(+49) 555-0142", CALLER) == found
    assert plan.route("102", CALLER) == Unknown()
    assert plan.route("", CALLER) == Unknown()


def test_a_number_is_stronger_than_an_alias() -> None:
    ben = Person("id-ben", "102", "Ben", ("101",))
    for people in ([ANNA, ben], [ben, ANNA]):
        route = Plan(["112"], people).route("101", CALLER)
        assert isinstance(route, Internal)
        assert route.extension == "id-anna"


def test_strangers_are_allowed_emergency_only() -> None:
    plan = Plan(["112"], [ANNA])
    assert plan.route("101", STRANGER) == NotAllowed()
    assert plan.route("999", STRANGER) == NotAllowed()
    assert plan.route("112", STRANGER) == Emergency("112")


@given(st.sampled_from(["112", "1-1-2", "911", "urn:service:sos", "URN:service:SOS.fire"]), st.booleans())
def test_nothing_shadows_an_emergency(dialled: str, known: bool) -> None:
    shadow = Person("id-s", "112", "", ("911", "urn:service:sos", "1-1-2"))
    plan = Plan(["112", "911"], [shadow])
    number = "911" if dialled == "911" else "112"
    assert plan.route(dialled, CALLER if known else STRANGER) == Emergency(number)
    assert plan.is_emergency(dialled)


@given(st.text(max_size=20))
def test_any_text_gets_a_route(dialled: str) -> None:
    plan = Plan(["112"], [ANNA])
    emergency = plan.is_emergency(dialled)
    assert isinstance(plan.route(dialled, STRANGER), Emergency if emergency else NotAllowed)


@pytest.mark.parametrize("numbers", [[], [""], ["112", "-"]])
def test_no_plan_without_emergency_numbers(numbers: list[str]) -> None:
    with pytest.raises(ValueError, match="emergency"):
        Plan(numbers, [ANNA])


def test_repr_shows_nobody() -> None:
    plan = Plan(["112"], [ANNA])
    assert "Anna" not in repr(plan)
    assert "101" not in repr(plan.route("101", CALLER))
