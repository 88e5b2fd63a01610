"""What somebody may outside, what a number would do, and the count of the hour: by operation."""

from pathlib import Path

import pytest

from firmware.errors import OperatorError
from firmware.operations.context import Context
from firmware.operations.operation import Role
from firmware.operations.registry import Caller
from provisioning.site import Site, parse_site
from tests.provisioning.test_site import MINIMAL
from tests.support.operations import WrittenLive, carry_out, opened

OUTSIDE = parse_site(
    MINIMAL
    + """
[dialling]
area_code = "30"
main_number = "+49305550"
reception = "101"
[[trunk]]
name = "carrier"
mode = "address"
host = "198.51.100.7"
number = "+49305550"
"""
)


def somewhere(context: Context) -> Context:
    """Put the site with a line into force."""

    def site() -> Site:
        return OUTSIDE

    object.__setattr__(context, "site", site)
    return context


def test_what_somebody_may_is_kept_told_and_audited(tmp_path: Path) -> None:
    live = WrittenLive()
    with opened(tmp_path, live) as context:
        carry_out(context, "extension.add", name="a")
        told = carry_out(context, "extension.outside", number="100")
        assert (told["may_call"], told["countries"], told["location"]) == (None, None, "")
        carry_out(
            context, "extension.outside", number="100", to=["national", "internal"], country=["at"], hourly=5,
            location="Room 3", emergency_number="+49305559999",
        )  # fmt: skip
        told = carry_out(context, "extension.outside", number="100", at_once=1)
        assert told == {
            "number": "100", "may_call": ["internal", "national"], "countries": ["at"], "at_once": 1,
            "hourly": 5, "shown": "", "emergency_number": "+49305559999", "location": "Room 3",
        }  # fmt: skip
        one = context.store.extensions.list()[0]
        assert ("changed", one.id) in live.told
        assert context.store.audit_entries(1).result(30)[0].subject == one.id
        assert carry_out(context, "extension.outside", number="100", emergency_only=True)["may_call"] == []
        assert carry_out(context, "extension.outside", number="100", site=True)["location"] == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": ["everywhere"]},
        {"to": ["national"], "emergency_only": True},
        {"country": ["xx"]},
        {"country": ["AT"]},
        {"hourly": -1},
        {"shown": "030123"},
    ],
)
def test_what_is_refused_in_one_line(tmp_path: Path, wrong: dict[str, object]) -> None:
    with opened(tmp_path) as context:
        carry_out(context, "extension.add", name="a")
        with pytest.raises(OperatorError) as caught:
            carry_out(context, "extension.outside", number="100", **wrong)
        assert "\n" not in str(caught.value)
        assert carry_out(context, "extension.outside", number="100")["may_call"] is None


@pytest.mark.parametrize(
    ("dialled", "goes_to", "key", "counts_as", "allowed"),
    [
        ("112", "help", "112", "emergency", True),
        ("101", "extension 101", "", "internal", True),
        ("030 2345678", "outside", "+49302345678", "national", True),
        ("0043 664 1234567", "nowhere: not allowed", "+436641234567", "international", False),
        ("11833", "nowhere: not allowed", "11833", "premium", False),
        ("999", "nowhere: nobody has this number", "", "", False),
        ("+49305550", "extension 101", "", "internal", True),
    ],
)
def test_what_a_number_would_do(
    tmp_path: Path, dialled: str, goes_to: str, key: str, counts_as: str, allowed: bool
) -> None:
    with opened(tmp_path) as context:
        for name in "ab":
            carry_out(context, "extension.add", name=name)
        found = carry_out(somewhere(context), "dial-plan", dialled=dialled, by="100")
        assert (found["goes_to"], found["key"], found["counts_as"], found["allowed"]) == (
            goes_to, key, counts_as, allowed,
        )  # fmt: skip
        if key:
            assert found["shows"] == "+49305550"
            assert found["lines"] == ["carrier: the box is not running, 0 of 10 calls"]
        assert bool(found["caps"]) == bool(key and key != "112")


def test_what_a_call_from_outside_would_reach(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        for name in "ab":
            carry_out(context, "extension.add", name=name)
        found = carry_out(somewhere(context), "dial-plan", dialled="112", line="carrier")
        assert found["goes_to"] == "extension 101"
        for wrong in ({}, {"by": "100", "line": "carrier"}):
            with pytest.raises(OperatorError, match="who dials"):
                carry_out(context, "dial-plan", dialled="112", **wrong)


def test_the_count_of_the_hour_begins_anew(tmp_path: Path) -> None:
    live = WrittenLive()
    with opened(tmp_path, live) as context:
        carry_out(context, "extension.add", name="a")
        found = carry_out(somewhere(context), "dial-plan", dialled="030 2345678", by="100")
        assert found["caps"] == "1 of 4 calls at once, 7 of 60 within the hour"
        one = context.store.extensions.list()[0]
        assert carry_out(context, "cap.reset", number="100") == {"number": "100"}
        assert carry_out(context, "cap.reset") == {"number": None}
        assert [each for each in live.told if each[0] == "forget"] == [("forget", one.id), ("forget", None)]  # type: ignore[index]
        with pytest.raises(OperatorError):
            carry_out(context, "cap.reset", Caller(Role.VIEWER))
    with opened(tmp_path) as context, pytest.raises(OperatorError, match="no box is running"):
        carry_out(context, "cap.reset")
