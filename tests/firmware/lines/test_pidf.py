"""Presence documents: printed to the letter, read whatever the prefixes, never expanded."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.lines.pidf import ACTIVITIES, Presence, document, read

_PIDF = "{urn:ietf:params:xml:ns:pidf}"
_WORDS = st.sampled_from(["<", ">", "basic", "open", "</", "/>", ":", " ", "away", "<basic>", "<!", "-->"])


def test_a_document_to_the_letter() -> None:
    assert document(Presence(open=True, activity="on-the-phone"), "sip:101@box").decode().splitlines() == [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" '
        'xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="sip:101@box">',
        '<tuple id="phones"><status><basic>open</basic></status><note>On the phone</note></tuple>',
        '<dm:person id="person"><rpid:activities><rpid:on-the-phone/></rpid:activities></dm:person>',
        "</presence>",
    ]


@given(st.booleans(), st.sampled_from(["", *ACTIVITIES]), st.text("ab<>&\"';:@", max_size=20))
def test_what_is_printed_is_xml_and_reads_back(opened: bool, activity: str, entity: str) -> None:
    state = Presence(opened, activity)
    root = ElementTree.fromstring(document(state, entity))  # noqa: S314 - we wrote it ourselves
    assert root.get("entity") == entity
    assert root.findtext(f"{_PIDF}tuple/{_PIDF}status/{_PIDF}basic") == ("open" if opened else "closed")
    assert read(document(state, entity)) == state


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b"<presence><tuple><status><basic>open</basic></status></tuple></presence>", Presence(open=True)),
        (b"<p:presence><p:basic> closed </p:basic><r:away/></p:presence>", Presence(False, "away")),
        (b"<basic>closed</basic><basic>open</basic><busy></busy>", Presence(True, "busy")),
        (b"<basic>open</basic><r:on-a-horse/>", Presence(open=True)),
        (b"<basic>maybe</basic>", None),
        (b"<away/>", None),
        (b"<basic>open</basic>\xff", None),
        (b'<!DOCTYPE x [<!ENTITY e "eee">]><basic>open</basic>', None),
    ],
)
def test_reading(body: bytes, state: Presence | None) -> None:
    assert read(body) == state


@given(st.lists(_WORDS).map("".join))
def test_whatever_comes_reads_as_a_known_state_or_none(text: str) -> None:
    state = read(text.encode())
    assert state is None or not state.activity or state.activity in ACTIVITIES
