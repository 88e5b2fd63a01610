"""Trunks as an operator sees them; a password goes in and never comes out."""

from pathlib import Path

import pytest

from firmware.errors import OperatorError
from firmware.operations import trunks
from firmware.operations.context import Context, TrunkView
from provisioning.site import parse_site
from provisioning.site_default import default_site
from tests.support.operations import WrittenLive, carry_out, opened

SITE = parse_site(
    default_site("192.0.2.1")
    + '\n[[trunk]]\nname = "first"\nmode = "register"\nhost = "192.0.2.9"\nuser = "u"\n'
)


def with_trunk(context: Context) -> Context:
    return Context(context.store, context.journal, context.clock, lambda: SITE, context.live)


def test_a_running_box_tells_how_its_trunks_are(tmp_path: Path) -> None:
    live = WrittenLive()
    live.lines = [TrunkView("first", "register", "UDP 192.0.2.9:5060", True, 1.0, "", 2, 10, True)]
    with opened(tmp_path, live) as context:
        [row] = carry_out(with_trunk(context), "trunk.list")
    assert (row["name"], row["up"], row["calls"]) == ("first", True, 2)


def test_a_password_is_kept_used_and_forgotten_and_never_told(tmp_path: Path) -> None:
    live = WrittenLive()
    with opened(tmp_path, live) as context:
        told = carry_out(with_trunk(context), "trunk.secret", name="first", secret="not for you")
        assert told == {"name": "first", "password": True}
        assert context.store.secrets.get(SITE.trunks[0].secret_name) == b"not for you"
        assert live.told == [("trunk", "first")]
        assert not carry_out(with_trunk(context), "trunk.secret", name="first", forget=True)["password"]
        [entry, _] = context.store.audit_entries().result(10)
        assert entry.operation == "trunk.secret"


def test_without_a_box_the_store_is_asked(tmp_path: Path) -> None:
    with opened(tmp_path) as context:
        carry_out(with_trunk(context), "trunk.secret", name="first", secret="not for you")
        [row] = carry_out(with_trunk(context), "trunk.list")
    assert (row["password"], row["up"], row["failure"]) == (True, False, "the box is not running")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "other", "secret": "x"}, "the site has no trunk of that name"),
        ({"name": "first"}, "give it, or forget"),
        ({"name": "first", "secret": "x", "forget": True}, "give it, or forget"),
        ({"name": "first", "secret": ""}, "1 to 128 printable"),
        ({"name": "first", "secret": "a\nb"}, "1 to 128 printable"),
    ],
)
def test_what_is_wrong_is_said_without_repeating_the_password(
    tmp_path: Path, arguments: dict[str, object], said: str
) -> None:
    with opened(tmp_path) as context, pytest.raises(OperatorError, match=said):
        carry_out(with_trunk(context), "trunk.secret", **arguments)


def test_only_an_administrator_may_set_it() -> None:
    roles = {operation.name.value: operation.role.value for operation in trunks.OPERATIONS}
    assert roles == {"trunk.list": "viewer", "trunk.secret": "administrator"}
