"""Privacy as a rule and waiting messages by operation: kept, told, audited."""

from pathlib import Path

import pytest

from firmware.errors import OperatorError
from tests.support.operations import WrittenLive, carry_out, opened


def test_privacy_is_kept_told_and_audited(tmp_path: Path) -> None:
    live = WrittenLive()
    with opened(tmp_path, live) as context:
        carry_out(context, "extension.add", name="a")
        assert carry_out(context, "extension.private", number="100") == {"number": "100", "private": True}
        one = context.store.extensions.list()[0]
        assert one.private
        assert ("changed", one.id) in live.told
        entry = context.store.audit_entries(1).result(30)[0]
        assert (entry.operation, entry.subject) == ("extension.private", one.id)
        assert carry_out(context, "extension.private", number="100", off=True)["private"] is False


def test_waiting_messages_are_set_and_told(tmp_path: Path) -> None:
    live = WrittenLive()
    with opened(tmp_path, live) as context:
        carry_out(context, "extension.add", name="a")
        live.told.clear()
        assert carry_out(context, "extension.messages", number="100") == {"number": "100", "new": 0, "old": 0}
        assert live.told == []
        carry_out(context, "extension.messages", number="100", new=2)
        assert carry_out(context, "extension.messages", number="100", old=1)["new"] == 2
        assert len(live.told) == 2
        with pytest.raises(OperatorError, match="counted"):
            carry_out(context, "extension.messages", number="100", new=-1)
