from __future__ import annotations

import pytest
from hypothesis import given

from sip.contact import Contact
from sip.errors import BadMessage
from tests.sip import strategies


@given(strategies.contacts)
def test_survives(contact: Contact) -> None:
    assert Contact.parse(str(contact)) == contact


def test_star() -> None:
    star = Contact.parse("*")
    assert star.star
    assert str(star) == "*"
    assert not Contact.parse("<sip:a@b>").star


def test_parts() -> None:
    contact = Contact.parse('<sip:a@b;ob>;q=0.7;expires=60;+sip.instance="<urn:uuid:0001>";reg-id=2')
    assert (contact.q, contact.expires, contact.instance, contact.reg_id) == (700, 60, "urn:uuid:0001", 2)
    bare = Contact.parse("sip:a@b")
    assert (bare.q, bare.expires, bare.instance, bare.reg_id) == (1000, None, "", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("4294967295", 2**32 - 1),
        ("280297596632815", 2**32 - 1),
        ("9" * 400, 2**32 - 1),
        ("soon", 3600),
        ("-1", 3600),
    ],
)
def test_expires(text: str, expected: int) -> None:
    assert Contact.parse(f"<sip:a@b>;expires={text}").expires == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("1", 1000), ("1.000", 1000), ("0", 0), ("0.", 0), ("0.05", 50), (".5", 500)]
)
def test_q(text: str, expected: int) -> None:
    assert Contact.parse(f"<sip:a@b>;q={text}").q == expected


@pytest.mark.parametrize("text", ["2", "1.1", "0.1234", "x", "0.x", "1.001"])
def test_bad_q(text: str) -> None:
    with pytest.raises(BadMessage):
        _ = Contact.parse(f"<sip:a@b>;q={text}").q
