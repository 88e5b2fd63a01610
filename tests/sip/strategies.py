"""Hypothesis strategies for SIP values: anything our value classes can hold."""

from __future__ import annotations

from hypothesis import strategies as st

from sip.contact import Contact
from sip.cseq import LIMIT, CSeq
from sip.nameaddr import NameAddr
from sip.sdp import Connection, Media, Origin, SessionDescription
from sip.uri import SipUri
from sip.via import Via

TOKEN_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~"

tokens = st.text(TOKEN_CHARS, min_size=1, max_size=12)
# Any text of one line that UTF-8 can carry.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
words = texts.filter(bool)
ports = st.none() | st.integers(1, 65535)

_labels = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
host_names = st.lists(_labels, min_size=1, max_size=3).map(".".join)
hosts = host_names | st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str)

_quoted = st.text("abc ;,<>=@", max_size=8).map(lambda text: f'"{text}"')
params = st.dictionaries(tokens.map(str.lower), st.none() | tokens | _quoted, max_size=4)

sip_uris = st.builds(
    SipUri,
    scheme=st.sampled_from(["sip", "sips"]),
    user=words,
    password=st.none() | texts,
    host=hosts,
    port=ports,
    params=st.dictionaries(
        words.map(str.lower).filter(lambda text: text == text.lower()), st.none() | texts, max_size=3
    ),
    headers=st.lists(st.tuples(words, texts), max_size=3).map(tuple),
) | st.builds(SipUri, host=hosts, port=ports)
other_uris = st.builds(
    SipUri,
    scheme=st.sampled_from(["tel", "urn", "http", "isbn"]),
    opaque=st.text("abc0123+:;=@/.", min_size=1, max_size=12),
)
uris = sip_uris | other_uris

name_addrs = st.builds(NameAddr, uri=uris, display=texts, params=params)
contacts = st.builds(Contact, uri=uris, display=texts, params=params) | st.just(Contact.parse("*"))
vias = st.builds(Via, transport=tokens.map(str.upper), host=hosts, port=ports, params=params)
cseqs = st.builds(CSeq, number=st.integers(0, LIMIT), method=tokens)

_lines = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=10)
connections = st.ip_addresses().map(str).map(Connection.to)
origins = st.builds(
    Origin,
    session=st.integers(0, 2**64).map(str),
    version=st.integers(0, 2**64 - 1),
    connection=connections,
    user=tokens,
)
attributes = st.tuples(tokens, st.none() | _lines)
_formats = st.lists(st.integers(0, 127).map(str), min_size=1, max_size=6, unique=True).map(tuple)
live_media = st.builds(
    Media,
    kind=st.sampled_from(["audio", "video", "image"]),
    port=st.integers(1, 65535),
    proto=st.sampled_from(["RTP/AVP", "RTP/SAVP", "UDP/TLS/RTP/SAVPF"]),
    formats=_formats,
    connection=connections,
    attributes=st.lists(attributes, max_size=4).map(tuple),
    lines=st.lists(_lines.map("b={}".format), max_size=2).map(tuple),
    ports=st.integers(1, 4),
)
rejected_media = st.builds(
    Media, kind=st.just("audio"), port=st.just(0), proto=st.just("RTP/AVP"), formats=_formats
)
descriptions = st.builds(
    SessionDescription,
    origin=origins,
    media=st.lists(live_media | rejected_media, max_size=3).map(tuple),
    connection=st.none() | connections,
    attributes=st.lists(attributes, max_size=3).map(tuple),
    name=_lines,
    lines=st.just(("t=0 0",)),
)
