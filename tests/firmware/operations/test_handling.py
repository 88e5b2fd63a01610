"""Forwards and do not disturb by operation: kept, told, refused in one clear line."""

from pathlib import Path

import pytest

from firmware.errors import OperatorError
from firmware.operations.operation import Role
from firmware.operations.registry import Caller
from tests.support.operations import WrittenLive, carry_out, opened


def test_forwards_are_kept_and_told(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        for name in "abc":
            carry_out(context, "extension.add", name=name)
        carry_out(context, "extension.forward", number="100", when="no-answer", to="101", seconds=15)
        carry_out(context, "extension.forward", number="100", to="102")
    with opened(tmp_path) as context:
        assert carry_out(context, "extension.forward", number="100") == {
            "number": "100",
            "dnd": False,
            "waiting": True,
            "forwards": [
                {"occasion": "always", "target": "102", "seconds": None},
                {"occasion": "no-answer", "target": "101", "seconds": 15},
            ],
        }
        left = carry_out(context, "extension.forward", number="100", off=True)["forwards"]
        assert [each["occasion"] for each in left] == ["no-answer"]


def test_do_not_disturb_is_kept_and_audited(tmp_path: Path) -> None:
    live = WrittenLive()
    with opened(tmp_path, live) as context:
        carry_out(context, "extension.add", name="a")
        assert carry_out(context, "extension.dnd", number="100")["dnd"] is True
        one = context.store.extensions.list()[0]
        assert ("changed", one.id) in live.told
        entry = context.store.audit_entries(1).result(30)[0]
        assert (entry.operation, entry.outcome, entry.subject) == ("extension.dnd", "done", one.id)
    with opened(tmp_path) as context:
        assert context.store.extensions.list()[0].dnd
        assert carry_out(context, "extension.dnd", number="100", off=True)["dnd"] is False


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"to": "112"}, "emergency"),
        ({"to": "100"}, "cannot go there"),
        ({"to": "999"}, "cannot go there"),
        ({"to": "*78"}, "cannot go there"),
        ({"to": "101", "off": True}, "choose one"),
        ({"to": "101", "when": "never"}, "one of always"),
        ({"to": "101", "seconds": 20}, "only for"),
        ({"to": "101", "when": "no-answer", "seconds": 1}, "ring for"),
        ({"number": "777", "to": "101"}, "no such extension"),
    ],
)
def test_what_is_refused(tmp_path: Path, arguments: dict[str, object], says: str) -> None:
    with opened(tmp_path) as context:
        for name in "ab":
            carry_out(context, "extension.add", name=name)
        before = context.store.extensions.list()
        with pytest.raises(OperatorError, match=says):
            carry_out(context, "extension.forward", **{"number": "100", **arguments})
        assert context.store.extensions.list() == before


def test_call_waiting_is_kept_and_told(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        carry_out(context, "extension.add", name="a")
        assert carry_out(context, "extension.waiting", number="100", off=True)["waiting"] is False
    with opened(tmp_path) as context:
        assert not context.store.extensions.list()[0].waiting
        assert carry_out(context, "extension.forward", number="100")["waiting"] is False
        assert carry_out(context, "extension.waiting", number="100")["waiting"] is True


def test_a_viewer_may_not(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        carry_out(context, "extension.add", name="a")
        for name in ("extension.dnd", "extension.forward", "extension.waiting"):
            with pytest.raises(OperatorError, match="role"):
                carry_out(context, name, Caller(Role.VIEWER), number="100")
