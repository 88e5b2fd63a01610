"""Digests and roles of a handshake as they stand in descriptions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip.errors import BadMessage
from sip.fingerprint import digest, fingerprint, reply


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_it_survives(made: bytes) -> None:
    assert digest([fingerprint(made)]) == made
    assert digest(["sha-1 00:11", fingerprint(made).replace("sha-256", "SHA-256").lower()]) == made


@pytest.mark.parametrize(
    "values", [[], [""], ["sha-1 " + "00:" * 19 + "00"], ["sha-256 00"], ["sha-256 " + "0" * 95]]
)
def test_what_is_no_digest_of_sha_256_is_refused(values: list[str]) -> None:
    with pytest.raises(BadMessage):
        digest(values)


def test_who_may_choose_waits() -> None:
    assert [reply(each) for each in ("actpass", "active", "passive")] == ["passive", "passive", "active"]
    with pytest.raises(BadMessage):
        reply("holdconn")
