"""How phones are told to ring."""

import pytest

from firmware.calls.leg import Manner, Party
from firmware.lines.alert import alert


@pytest.mark.parametrize(
    ("extension", "manner", "said"),
    [
        ("id", Manner.USUAL, "<urn:alert:source:internal>"),
        (None, Manner.USUAL, "<urn:alert:source:external>"),
        ("id", Manner.RECALL, "<urn:alert:source:internal>, <urn:alert:service:recall:hold>"),
    ],
)
def test_where_a_call_comes_from(extension: str | None, manner: Manner, said: str) -> None:
    assert alert(manner, Party(extension, "1"), "192.0.2.1") == (("Alert-Info", said),)


def test_no_name_and_number_is_told() -> None:
    for manner in Manner:
        assert "4711" not in str(alert(manner, Party(None, "4711", "4711"), "192.0.2.1"))
