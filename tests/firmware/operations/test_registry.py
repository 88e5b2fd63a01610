"""Carrying out: role, audit, and faults that stay inside."""

from dataclasses import fields
from pathlib import Path

import pytest

from firmware.errors import OperatorError
from firmware.operations.operation import Name, Role, hint
from firmware.operations.registry import REGISTRY, Caller
from provisioning.site import SiteError, parse_site
from tests.support.operations import WrittenLive, carry_out, opened


def audited(directory: Path) -> list[tuple[str, str, str, str]]:
    with opened(directory) as context:
        entries = context.store.audit_entries().result(10)
    return [(entry.role, entry.operation, entry.outcome, entry.subject) for entry in entries][::-1]


def test_every_name_is_an_operation_and_every_argument_has_its_hint() -> None:
    assert list(REGISTRY) == [name.value for name in Name]
    for operation in REGISTRY.values():
        assert operation.help
        assert all(hint(one).help for one in fields(operation.arguments))


def test_what_changes_or_reveals_is_audited_with_whom_it_concerns(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        carry_out(context, "extension.add", name="a")
        someone = context.store.extensions.list()[0].id
        carry_out(context, "extension.list")
        carry_out(context, "extension.show", number="100")
        carry_out(context, "status")
        with pytest.raises(OperatorError):
            carry_out(context, "extension.change", number="100")
        carry_out(context, "extension.remove", number="100")
    role = "administrator"
    assert audited(tmp_path) == [
        (role, "extension.add", "done", someone),
        (role, "extension.show", "done", someone),
        (role, "extension.change", "refused", ""),
        (role, "extension.remove", "done", someone),
    ]


def test_a_role_that_does_not_reach_is_refused_and_audited(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        carry_out(context, "extension.list", Caller(Role.VIEWER))
        for name in ("extension.add", "extension.show", "stop", "hangup", "calls"):
            with pytest.raises(OperatorError, match="needs the role") as caught:
                carry_out(context, name, Caller(Role.VIEWER))
            assert caught.value.key == "operation.role"
        assert context.store.extensions.list() == ()
    assert [(role, name, outcome) for role, name, outcome, _ in audited(tmp_path)] == [
        ("viewer", name, "refused") for name in ("extension.add", "extension.show", "stop", "hangup")
    ]


def test_unknown_operation(tmp_path: Path) -> None:
    with opened(tmp_path) as context, pytest.raises(OperatorError, match="no such operation"):
        carry_out(context, "extension.fly")


def test_site_faults_are_for_the_operator(tmp_path: Path) -> None:
    live = WrittenLive()
    with pytest.raises(SiteError) as fault:
        parse_site("")
    live.fails = fault.value
    with (
        opened(tmp_path, live) as context,
        pytest.raises(OperatorError, match=r"site\.toml:1: name: missing"),
    ):
        carry_out(context, "reload")


def test_a_fault_of_ours_is_told_without_its_text(tmp_path: Path) -> None:
    live = WrittenLive()
    live.fails = RuntimeError("something personal")
    with opened(tmp_path, live) as context:
        with pytest.raises(OperatorError, match="fault of ours") as caught:
            carry_out(context, "reload")
        assert "personal" not in str(caught.value)
    assert audited(tmp_path) == [("administrator", "reload", "failed", "")]
