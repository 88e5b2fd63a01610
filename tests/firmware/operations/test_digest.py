"""Narrowing the digest algorithms of an extension by operation: kept, told, audited, never to nothing."""

from pathlib import Path

import pytest

from firmware.errors import OperatorError
from provisioning.site import DIGESTS
from sip.digest import ALGORITHMS
from tests.support.operations import WrittenLive, carry_out, opened


def test_accepted_algorithms_are_kept_told_and_audited(tmp_path: Path) -> None:
    live = WrittenLive()
    with opened(tmp_path, live) as context:
        carry_out(context, "extension.add", name="a")
        live.told.clear()
        assert carry_out(context, "extension.digest", number="100") == {"number": "100", "accepted": []}
        assert live.told == []
        wanted = ["SHA-256", "MD5", "MD5"]
        told = carry_out(context, "extension.digest", number="100", accept=wanted)
        assert told["accepted"] == ["MD5", "SHA-256"]
        one = context.store.extensions.list()[0]
        assert one.digest == ("MD5", "SHA-256")
        assert ("changed", one.id) in live.told
        entry = context.store.audit_entries(1).result(30)[0]
        assert (entry.operation, entry.subject) == ("extension.digest", one.id)
        carry_out(context, "extension.change", number="100", name="b")
        assert carry_out(context, "extension.digest", number="100")["accepted"] == ["MD5", "SHA-256"]
        assert carry_out(context, "extension.digest", number="100", site=True)["accepted"] == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"accept": ["SHA-1"]}, "one of MD5, SHA-256, SHA-512-256"),
        ({"accept": ["MD5"], "site": True}, "choose one"),
        ({"accept": ["SHA-256"]}, "no listener offers that, only MD5"),
    ],
)
def test_what_would_shut_everybody_out_is_refused(
    tmp_path: Path, given: dict[str, object], says: str
) -> None:
    with opened(tmp_path, WrittenLive()) as context:
        carry_out(context, "extension.add", name="a")
        with pytest.raises(OperatorError, match=says):
            carry_out(context, "extension.digest", number="100", **given)
        assert context.store.extensions.list()[0].digest == ()


def test_the_words_of_site_and_operation_are_those_of_the_protocol() -> None:
    assert set(DIGESTS) == set(ALGORITHMS)
