"""The house is told of a call for help: whose phones, and what they show."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from firmware.calls.help import Alarm
from firmware.calls.leg import Party
from firmware.main.alarm import Alarms
from tests.support.operations import carry_out, opened


def test_everybody_named_is_told_once(tmp_path: Path) -> None:
    shown: list[tuple[str, str]] = []

    def show(extension: str, text: str) -> int:
        shown.append((extension, text))
        return 1

    with opened(tmp_path) as context:
        for name in "abc":
            carry_out(context, "extension.add", name=name)
        carry_out(context, "group.add", number="600", name="First aid", member=["101", "100"])
        ids = {each.number: each.id for each in context.store.extensions.list()}
        site = SimpleNamespace(notify=("100", "600", "999"))
        line = SimpleNamespace(show=show)
        alarms = Alarms(context.store, cast(Any, line), context.journal, lambda: cast(Any, site))
        alarms.tell(Alarm(Party(ids["102"], "102", "Cleo"), "112", "Room 3"))
        assert sorted(each for each, _ in shown) == sorted([ids["100"], ids["101"]])
        assert {text for _, text in shown} == {"EMERGENCY CALL 112 by 102 Cleo, Room 3"}
        shown.clear()
        alarms.tell(Alarm(Party(None, ""), "112"))
        assert {text for _, text in shown} == {"EMERGENCY CALL 112 by an unknown phone"}
