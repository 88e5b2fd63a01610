"""Who calls, read from what a carrier says and told to it; whatever it says, nothing breaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.calls.leg import Diversion, Party
from firmware.calls.outside import CallerId
from firmware.lines.trunk_identity import called, caller_headers, caller_of
from firmware.store.model import Occasion
from provisioning.site_trunk import IDENTITIES, PRIVACIES, Trunk
from sip.errors import BadMessage, LocalError
from sip.message import Request
from sip.validate import validate

TRUNK = Trunk("t", "register", "carrier.test", user="4930123456", number="+4930123456")


def invite(
    uri: str, to: str = "<sip:x@y>", *headers: tuple[str, str], caller: str = "<sip:+4940111222@c>"
) -> Request:
    lines = [
        ("Via", "SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKx"), ("From", f"{caller};tag=1"), ("To", to),
        ("Call-ID", "c"), ("CSeq", "1 INVITE"), *headers,
    ]  # fmt: skip
    return Request.new("INVITE", uri, lines, b"")


@pytest.mark.parametrize(
    ("request_", "number"),
    [
        (invite("sip:+4930123499@box"), "+4930123499"),
        (invite("sip:004930123499;phone-context=x@box"), "+4930123499"),
        (invite("sip:tok@box", "<sip:+4930123499@c>"), "+4930123499"),
        (invite("sip:tok@box", "<tel:+4930123499>"), "+4930123499"),
        (
            invite("sip:tok@box", "<sip:4930123456@c>", ("P-Called-Party-ID", "<sip:+4930123499@c>")),
            "+4930123499",
        ),
        (invite("sip:4930123456@box", "<sip:4930123456@c>"), "+4930123456"),
        (invite("sip:box", "<sip:tok@c>"), "tok"),
        (invite("sip:box", "<sip:c>"), "+4930123456"),
        (invite("sip:reception@box"), "reception"),
    ],
)
def test_whom_a_call_is_for(request_: Request, number: str) -> None:
    assert called(request_, "tok", TRUNK) == number


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


@given(st.from_regex(r"[A-Za-z0-9+_.;=%-]{0,12}", fullmatch=True), TEXT, TEXT, TEXT, TEXT)
def test_nothing_a_carrier_says_breaks_anything(
    user: str, asserted: str, privacy: str, name: str, party: str
) -> None:
    said = (("P-Asserted-Identity", asserted), ("Privacy", privacy), ("P-Called-Party-ID", party))
    try:
        request = invite(f"sip:{user}@box", f"<sip:{user}@c>", *said, caller=f"{name} <sip:{user}@c>")
        validate(request)
    except (BadMessage, LocalError):
        return  # no message at all, or the stack has answered it
    found = caller_of(request, TRUNK)
    assert found.extension is None
    assert found.line == "t"
    assert isinstance(called(request, "tok", TRUNK), str)
    if "id" in {word.strip().lower() for word in privacy.split(";")}:
        assert found.private
        assert not found.name


@given(
    st.sampled_from(IDENTITIES),
    st.sampled_from(PRIVACIES),
    st.booleans(),
    st.sampled_from(["own", "passthrough"]),
)
def test_a_private_callers_name_never_leaves_and_asks_for_privacy(
    identity: str, privacy: str, private: bool, rule: str
) -> None:
    trunk = Trunk(
        "t", "address", "c.test", number="+49301", identity=identity, privacy=privacy, caller_id=rule
    )
    shown, headers = caller_headers(CallerId("+49302", "Nora", private), trunk)
    everything = shown + repr(headers)
    assert ("Nora" in everything) is not private
    assert ("Privacy" in dict(headers)) is private
    assert ("+49302" in everything) is (rule == "passthrough")
    if private and privacy == "anonymous":
        assert shown == '"Anonymous" <sip:anonymous@anonymous.invalid>'


def test_who_sent_a_call_on_is_told_only_where_allowed_and_by_the_lines_number() -> None:
    sent_on = [Diversion(Party("x", "101", "Anna"), Occasion.BUSY)]
    trunk = Trunk("t", "address", "c.test", number="+4930123456", diversion=True)
    _, headers = caller_headers(CallerId(), trunk, sent_on)
    told = dict(headers)["Diversion"]
    assert told.startswith("<sip:+4930123456@c.test>")
    assert "101" not in told
