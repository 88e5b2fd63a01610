"""Messages made by a grammar: whole ones are read as they were meant, broken ones end in BadMessage alone."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sip.contact import Contact
from sip.errors import BadMessage
from sip.framing import StreamFramer
from sip.message import Request, Response, parse
from sip.nameaddr import NameAddr
from sip.validate import validate
from sip.via import Via
from tests.fuzz import sip_message
from tests.sip.strategies import contacts, hosts, ports, sip_uris, tokens

_words = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
_methods = st.sampled_from(["INVITE", "REGISTER", "OPTIONS", "BYE", "UPDATE"])
_blanks = st.sampled_from(["", " ", "\t", "  ", "\r\n ", "\r\n\t  "])
_names = {
    "Via": ("Via", "v", "VIA"),
    "From": ("From", "f", "from"),
    "To": ("To", "t", "TO"),
    "Call-ID": ("Call-ID", "i", "call-id"),
    "Contact": ("Contact", "m", "cOnTaCt"),
    "Content-Length": ("Content-Length", "l", "content-length"),
}


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, dict[str, object]]:
    """Give the octets of a message, and what its typed headers must say."""
    method = draw(_methods)
    tags = draw(st.tuples(_words, st.none() | _words))
    branch = "z9hG4bK" + draw(_words)
    via = Via("UDP", draw(hosts), draw(ports), {"branch": branch, "rport": None})
    vias = [via, *draw(st.lists(st.builds(Via, st.just("TCP"), hosts, ports), max_size=2))]
    from_ = NameAddr(draw(sip_uris), draw(_words), {"tag": tags[0]})
    to = NameAddr(draw(sip_uris), "", {"tag": tags[1]} if tags[1] else {})
    reached = draw(st.lists(contacts.filter(lambda one: not one.star), min_size=1, max_size=2))
    if method != "REGISTER":
        reached = reached[:1]
    number = draw(st.integers(1, 2**31 - 1))
    call_id = draw(_words)
    hops = draw(st.integers(0, 255))
    body = draw(st.binary(max_size=30))
    lines = [
        ("From", str(from_)),
        ("To", str(to)),
        ("Call-ID", call_id),
        ("CSeq", f"{number} {method}"),
        ("Max-Forwards", str(hops)),
        ("Contact", ", ".join(map(str, reached))),
        ("Content-Length", str(len(body))),
        *((f"X-{name}", value) for name, value in draw(st.lists(st.tuples(_words, tokens), max_size=3))),
    ]
    lines = draw(st.permutations(lines))
    lines[0:0] = [("Via", str(one)) for one in vias]  # their order among themselves has a meaning
    start = draw(
        st.builds("{} {} SIP/2.0".format, st.just(method), sip_uris.map(lambda uri: replace(uri, headers=())))
        | st.builds("SIP/2.0 {} {}".format, st.integers(100, 699), _words)
    )
    gaps = st.sampled_from(["", " ", "\t"])
    head = ""
    for name, value in lines:
        spelled = draw(st.sampled_from(_names.get(name, (name,))))
        head += f"{spelled}{draw(gaps)}:{draw(_blanks)}{value}\r\n"
    meant = {
        "vias": vias, "from_": from_, "to": to, "call_id": call_id, "contacts": reached, "max_forwards": hops,
        "cseq_number": number, "cseq_method": method, "branch": branch, "body": body,
        "from_tag": tags[0], "to_tag": tags[1] or "",
    }  # fmt: skip
    return f"{start}\r\n{head}\r\n".encode("utf-8", "surrogateescape") + body, meant


@given(messages())
def test_a_whole_message_says_what_was_meant_and_leaves_as_it_came(
    made: tuple[bytes, dict[str, object]],
) -> None:
    data, meant = made
    message = parse(data)
    validate(message)
    assert isinstance(message, Request | Response)
    assert bytes(message) == data
    assert list(StreamFramer().feed(data)) == [data]
    for name, value in meant.items():
        read = getattr(message, name)
        assert (list(read) if isinstance(value, list) else read) == value, name


@given(messages(), st.data())
def test_a_broken_message_ends_in_bad_message_alone(
    made: tuple[bytes, dict[str, object]], data: st.DataObject
) -> None:
    octets = bytearray(made[0])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(octets)))
        octets[at : at + data.draw(st.sampled_from([0, 0, 1, 3, 40]))] = data.draw(
            st.sampled_from(sip_message.WORDS) | st.binary(max_size=3)
        )
    sip_message.check(bytes(octets))
    with suppress(BadMessage):
        list(StreamFramer().feed(bytes(octets)))


@given(contacts)
def test_a_contact_is_one_contact(contact: Contact) -> None:
    assert Contact.parse(str(contact)) == contact
