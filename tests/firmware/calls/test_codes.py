"""Star codes: what a dialled text asks for."""

import pytest

from firmware.calls.codes import Codes, Feature, Service

CODES = Codes(
    {
        Feature.FORWARD_ALWAYS: "*72",
        Feature.FORWARD_ALWAYS_OFF: "*73",
        Feature.DND: "*78",
        Feature.DND_OFF: "",
    }
)


@pytest.mark.parametrize("dialled", ["*72102", "*72*102", "*72102#", "*72*102#"])
def test_a_number_follows_its_code(dialled: str) -> None:
    assert CODES.find(dialled) == Service(Feature.FORWARD_ALWAYS, "102")


def test_codes_that_stand_alone() -> None:
    assert CODES.find("*73") == Service(Feature.FORWARD_ALWAYS_OFF)
    assert CODES.find("*78#") == Service(Feature.DND)
    assert CODES.find("*72") == Service(Feature.FORWARD_ALWAYS, "")


@pytest.mark.parametrize("dialled", ["", "*", "*7", "*781", "78", "*79", "102"])
def test_everything_else_is_no_code(dialled: str) -> None:
    assert CODES.find(dialled) is None
