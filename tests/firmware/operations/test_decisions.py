"""What the box refused by itself can be read and taken back."""

from pathlib import Path

import pytest

from firmware.calls.decisions import Decision, Matter
from firmware.cli.tables import readable
from firmware.errors import OperatorError
from firmware.operations.operation import Role
from firmware.operations.registry import Caller
from tests.support.operations import WrittenLive, carry_out, opened


def test_reasons_are_read_and_taken_back(tmp_path: Path) -> None:
    live = WrittenLive()
    with opened(tmp_path, live) as context:
        assert readable("decision.list", carry_out(context, "decision.list")).startswith("the box refused")
        live.decided = [
            Decision(3, Matter.MONEY, "line isdn", "line isdn may cost 2 EUR a day", 1.0, 2.0, 4),
            Decision(2, Matter.HOURS, "id-1", "extension 101 called off hours", 1.0, 2.0, 1, undone=True),
        ]
        rows = carry_out(context, "decision.list")
        assert [row["matter"] for row in rows] == ["money", "hours"]
        first, second = readable("decision.list", rows).splitlines()
        assert first.endswith("4 x  line isdn may cost 2 EUR a day")
        assert second.endswith("(taken back)")
        done = carry_out(context, "decision.undo", number=3)
        assert done == {"number": 3, "now": "the money of the day is counted anew"}
        assert ("take back", 3) in live.told
        with pytest.raises(OperatorError, match="no decision of that number"):
            carry_out(context, "decision.undo", number=9)
        with pytest.raises(OperatorError):
            carry_out(context, "decision.list", Caller(Role.VIEWER))
    with opened(tmp_path) as context, pytest.raises(OperatorError, match="no box is running"):
        carry_out(context, "decision.list")
