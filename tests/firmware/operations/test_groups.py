"""Ring groups by operation."""

from pathlib import Path

import pytest

from firmware.cli.tables import readable
from firmware.errors import OperatorError
from firmware.operations.context import Context
from tests.support.operations import WrittenLive, carry_out, opened


def people(context: Context) -> None:
    for name in "abc":
        carry_out(context, "extension.add", name=name)


def test_a_life_of_a_group(tmp_path: Path) -> None:
    live = WrittenLive()
    with opened(tmp_path, live) as context:
        people(context)
        live.told.clear()
        made = carry_out(
            context,
            "group.add",
            number="600",
            name="Sales",
            member=["102", "100"],
            strategy="memory",
            last="101",
        )
        assert live.told == [("changed", None)]
        row = {
            "number": "600", "name": "Sales", "strategy": "memory", "seconds": 20,
            "members": ["102", "100"], "last": "101",
        }  # fmt: skip
        assert made == row
        assert carry_out(context, "group.list") == [row]
        assert readable("group.list", [row]).splitlines()[1].split() == [
            "600", "Sales", "memory", "20", "s", "102", "100", "101",
        ]  # fmt: skip
        changed = carry_out(
            context, "group.change", number="600", new_number="601", member=["101"], seconds=9, no_last=True
        )
        assert changed == {**row, "number": "601", "members": ["101"], "seconds": 9, "last": ""}
        carry_out(context, "extension.forward", number="100", to="601")
        assert carry_out(context, "group.remove", number="601") == {"number": "601"}
        assert carry_out(context, "group.list") == []
    assert "no ring groups" in readable("group.list", [])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"number": "112"}, "emergency"),
        ({"number": "101"}, "in use"),
        ({"member": ["777"]}, "no such extension"),
        ({"member": []}, "members"),
        ({"strategy": "random"}, "one of all"),
        ({"seconds": 3}, "ring for"),
    ],
)
def test_what_is_refused(tmp_path: Path, arguments: dict[str, object], says: str) -> None:
    with opened(tmp_path) as context:
        people(context)
        good = {"number": "600", "name": "Sales", "member": ["100"]}
        with pytest.raises(OperatorError, match=says):
            carry_out(context, "group.add", **{**good, **arguments})
        carry_out(context, "group.add", **good)
        with pytest.raises(OperatorError, match="nothing to change"):
            carry_out(context, "group.change", number="600")
        with pytest.raises(OperatorError, match="choose one"):
            carry_out(context, "group.change", number="600", last="100", no_last=True)
        with pytest.raises(OperatorError, match="no such group"):
            carry_out(context, "group.remove", number="601")
