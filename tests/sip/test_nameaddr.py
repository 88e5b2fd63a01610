from __future__ import annotations

import pytest
from hypothesis import given

from sip.contact import Contact
from sip.errors import BadMessage
from sip.nameaddr import NameAddr
from tests.sip import strategies


@given(strategies.name_addrs)
def test_survives(address: NameAddr) -> None:
    assert NameAddr.parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "display", "uri", "tag"),
    [
        ("sip:a@b;tag=1", "", "sip:a@b", "1"),
        ("<sip:a@b;lr>;tag=1", "", "sip:a@b;lr", "1"),
        ('"A \\"B\\", C" <sip:a@b> ; TAG = 1', 'A "B", C', "sip:a@b", "1"),
        ("caller<sip:a@b>", "caller", "sip:a@b", ""),
        ("Jürgen  Test <sip:a@b>", "Jürgen  Test", "sip:a@b", ""),
        ('"" <tel:112>', "", "tel:112", ""),
    ],
)
def test_read(text: str, display: str, uri: str, tag: str) -> None:
    address = NameAddr.parse(text)
    assert (address.display, str(address.uri), address.tag) == (display, uri, tag)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<>",
        "<sip:a@b",
        "sip:a@b>",
        "< sip:a@b >",
        '"open <sip:a@b>',
        "A, B <sip:a@b>",
        "sip:a@b?x=y",
        "sip:a@b,sip:c@d",
        "<sip:a@b>;",
        "<sip:a@b> tag=1",
        "<sip:a@b><sip:c@d>",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(BadMessage):
        NameAddr.parse(text)


def test_tag_is_added_to_a_copy() -> None:
    address = NameAddr.parse('"A" <sip:a@b>;x=y')
    assert str(address.with_tag("t")) == '"A" <sip:a@b>;x=y;tag=t'
    assert address.tag == ""


def test_a_parameter_is_taken_off_a_copy() -> None:
    address = NameAddr.parse("<sip:a@b>;expires=60;x")
    assert str(address.without_param("expires")) == "<sip:a@b>;x"
    assert str(address) == "<sip:a@b>;expires=60;x"


def test_an_address_said_again_is_the_same_value_but_of_its_own_kind() -> None:
    assert NameAddr.parse("<sip:again@b>;tag=1") is NameAddr.parse("<sip:again@b>;tag=1")
    assert type(Contact.parse("<sip:again@b>;tag=1")) is Contact
    long = f"<sip:{'a' * 200}@b>"
    assert NameAddr.parse(long) is not NameAddr.parse(long)
