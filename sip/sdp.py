"""Session descriptions (RFC 8866), as values: every edit gives a new description.

    v=  o=  s=  [i= u= e= p=]  [c=]  [b=]  t= [r=]  [z= k=]  [a=]  then for each medium  m= [i= c= b= k= a=]

What a session says for all its media (c=, direction) is filed under each medium while reading, so a medium
can be judged and edited alone; printing puts a shared c= back. Lines of other types are kept.

Limits: MAX_SIZE octets, MAX_LINES lines, MAX_MEDIA media, MAX_FORMATS formats for each.

One phone says nearly the same in every call: what follows an o= or m= line is read, checked and printed once
and remembered (bounded, short texts, never one that holds a key).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from sip.errors import BadMessage
from sip.grammar import number

MAX_SIZE = 65535
MAX_LINES = 1024
MAX_MEDIA = 32
MAX_FORMATS = 64

_REMEMBERED = 256  # texts of each sort
_SHORT = 1024  # characters of a text worth remembering
_FEW, _LINE = 32, 100  # attributes worth remembering, characters of each

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
TYPE = "application/sdp"

Attribute = tuple[str, str | None]
"""`a=name:value`, or `a=name` with the value None."""

_is_line = re.compile(r"[A-Za-z]=[^\x00\r\n]*+").fullmatch
_private = re.compile(r"(?:^|\n)(?:[iuep]=|a=crypto)").search  # keys, and what may be about a person
_is_text = re.compile(r"[^\x00\r\n]*+").fullmatch
_is_word = re.compile(r"[^\x00-\x20\x7f]++").fullmatch
_is_address = re.compile(r"[A-Za-z0-9._:\-]++(?:/[0-9]++)*").fullmatch
_RTPMAP = re.compile(r"([0-9]{1,3})[ \t]++([^\s/]++)/([0-9]{1,6})(?:/([0-9]{1,2}))?[ \t]*+")
_FORMAT_ATTRIBUTES = ("rtpmap", "fmtp", "rtcp-fb")
_BEFORE_CONNECTION = "iuep"


@dataclass(frozen=True, slots=True)
class Connection:
    """A c= line: where media is to be sent. `address` keeps a multicast "/ttl" if it has one."""

    address: str
    family: str = "IP4"
    network: str = "IN"

    @classmethod
    def parse(cls, text: str) -> Connection:
        """Read the value of a c= line; raise BadMessage."""
        words = text.split()
        if len(words) != 3 or not _is_address(words[2]) or not _is_word(words[0] + words[1]):
            raise _bad("malformed c= line")
        return cls(words[2], words[1], words[0])

    @classmethod
    def to(cls, address: str) -> Connection:
        """Make the c= line of an IPv4 or IPv6 address."""
        return cls(address, "IP6" if ":" in address else "IP4")

    def __str__(self) -> str:
        return f"{self.network} {self.family} {self.address}"

    @property
    def unspecified(self) -> bool:
        """Whether this is the 0.0.0.0 or :: with which RFC 2543 put calls on hold."""
        return self.address in {"0.0.0.0", "::"}  # noqa: S104  # compared, never bound


@dataclass(frozen=True, slots=True)
class Origin:
    """An o= line. `version` grows by one with every change of the description (RFC 3264 section 8)."""

    session: str
    version: int
    connection: Connection
    user: str = "-"

    @classmethod
    def parse(cls, text: str) -> Origin:
        """Read the value of an o= line; raise BadMessage."""
        words = text.split()
        version = number(words[2], 2**64 - 1) if len(words) == 6 else None
        if version is None or not all(map(_is_word, words)):
            raise _bad("malformed o= line")
        return cls(words[1], version, Connection.parse(" ".join(words[3:])), words[0])

    def __str__(self) -> str:
        return f"{self.user} {self.session} {self.version} {self.connection}"


@dataclass(frozen=True, slots=True)
class RtpMap:
    """What a payload type carries: encoding name as written, clock rate in Hz, channels."""

    name: str
    rate: int
    channels: int = 1

    def matches(self, other: RtpMap) -> bool:
        """Compare codecs: encoding names are not case-sensitive (RFC 4855 section 3)."""
        return (self.name.lower(), self.rate, self.channels) == (
            other.name.lower(),
            other.rate,
            other.channels,
        )

    def __str__(self) -> str:
        channels = "" if self.channels == 1 else f"/{self.channels}"
        return f"{self.name}/{self.rate}{channels}"


STATIC = {
    "0": RtpMap("PCMU", 8000),
    "3": RtpMap("GSM", 8000),
    "4": RtpMap("G723", 8000),
    "8": RtpMap("PCMA", 8000),
    "9": RtpMap("G722", 8000),
    "13": RtpMap("CN", 8000),
    "15": RtpMap("G728", 8000),
    "18": RtpMap("G729", 8000),
}
"""Payload types that need no a=rtpmap (RFC 3551 section 6)."""


@dataclass(frozen=True, slots=True)
class Media:
    """One m= section. Port 0 means the medium is refused or over (RFC 3264).

    `lines` holds raw i=, b=, k= and unknown lines. `connection` is the medium's own or the session's, and
    None in a refused medium, where it would say nothing.
    """

    kind: str
    port: int
    proto: str
    formats: tuple[str, ...]
    connection: Connection | None = None
    attributes: tuple[Attribute, ...] = ()
    lines: tuple[str, ...] = ()
    ports: int = 1

    @property
    def rejected(self) -> bool:
        """Whether port 0 says that there is no such stream."""
        return self.port == 0

    @property
    def direction(self) -> str:
        """One of DIRECTIONS, as the describing side sees it."""
        for name, _ in self.attributes:
            if name in DIRECTIONS:
                return name
        return "sendrecv"

    @property
    def rtpmaps(self) -> dict[str, RtpMap]:
        """Codecs by format, in the order of preference; formats nobody explained are left out."""
        if not self.proto.startswith(("RTP/", "UDP/TLS/RTP/")):
            return {}
        return dict(
            _remembered_rtpmaps(self.formats, self.attributes)
            if _public(self.attributes)
            else _rtpmaps(self.formats, self.attributes)
        )

    def get(self, name: str) -> str | None:
        """Give the value of the first attribute of this name ("" for a flag), None when absent."""
        for found, value in self.attributes:
            if found == name:
                return value or ""
        return None

    def get_all(self, name: str) -> list[str]:
        """Give the values of all attributes of this name."""
        return [value or "" for found, value in self.attributes if found == name]

    def fmtp(self, name: str) -> str:
        """Give the parameters of one format, "" when it has none."""
        for value in self.get_all("fmtp"):
            found, _, parameters = value.partition(" ")
            if found == name:
                return parameters.strip()
        return ""

    # -- edits -----------------------------------------------------------------------------------------

    def with_address(self, address: str, port: int) -> Media:
        """Give this medium at another place."""
        connection = Connection.to(address)
        return Media(self.kind, port, self.proto, self.formats, connection, self.attributes, self.lines)

    def with_direction(self, direction: str) -> Media:
        """Give this medium with another direction."""
        if (direction, None) in self.attributes and self.direction == direction:
            return self
        others = tuple(pair for pair in self.attributes if pair[0] not in DIRECTIONS)
        return self.with_attributes((*others, (direction, None)))

    def with_attributes(self, attributes: tuple[Attribute, ...]) -> Media:
        """Give this medium with all its attributes replaced."""
        return Media(
            self.kind,
            self.port,
            self.proto,
            self.formats,
            self.connection,
            attributes,
            self.lines,
            self.ports,
        )

    def with_attribute(self, name: str, value: str | None = None) -> Media:
        """Give this medium with one attribute in place of all of that name."""
        others = tuple(pair for pair in self.attributes if pair[0] != name)
        return self.with_attributes((*others, (name, value)))

    def without_attributes(self, *names: str) -> Media:
        """Give this medium without the named attributes."""
        left = tuple(pair for pair in self.attributes if pair[0] not in names)
        return self if len(left) == len(self.attributes) else self.with_attributes(left)

    def keep_formats(self, wanted: Iterable[str]) -> Media:
        """Give this medium with only the wanted formats, in its own order, and what describes them."""
        chosen = frozenset(wanted)
        formats = tuple(name for name in self.formats if name in chosen)
        attributes = tuple(pair for pair in self.attributes if _describes(pair, chosen))
        return replace(self, formats=formats, attributes=attributes)

    def reject(self) -> Media:
        """Give this medium refused: port 0, same formats, nothing else (RFC 3264 section 6)."""
        return Media(self.kind, 0, self.proto, self.formats)

    def __str__(self) -> str:
        return self.print()

    def print(self, shared: Connection | None = None) -> str:
        """Print the section, without its c= line when that equals the `shared` one of the session."""
        ports = f"{self.port}/{self.ports}" if self.ports != 1 else str(self.port)
        parts = [f"m={self.kind} {ports} {self.proto} {' '.join(self.formats)}\r\n"]
        parts += [f"{line}\r\n" for line in self.lines if line[0] == "i"]
        if self.port and self.connection is not None and self.connection != shared:
            parts.append(f"c={self.connection}\r\n")
        parts += [f"{line}\r\n" for line in self.lines if line[0] != "i"]
        parts.append(_print_attributes(self.attributes))
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description. `lines` holds raw lines of the session other than v=, o=, s=, c=, a=."""

    origin: Origin
    media: tuple[Media, ...] = ()
    connection: Connection | None = None
    attributes: tuple[Attribute, ...] = ()
    name: str = "-"
    lines: tuple[str, ...] = field(default=("t=0 0",))

    @classmethod
    def parse(cls, data: bytes) -> SessionDescription:
        """Read a body of type application/sdp; raise BadMessage(layer="sdp")."""
        if len(data) > MAX_SIZE:
            raise _bad("description too long")
        text = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").rstrip("\n")
        if text.count("\n") >= MAX_LINES:
            raise _bad("too many lines")
        head, *sections = text.split("\nm=")
        version, _, head = head.partition("\n")
        if version.rstrip() != "v=0":
            raise _bad("does not begin with v=0")
        if len(sections) > MAX_MEDIA:
            raise _bad("too many media")
        before, found, rest = f"\n{head}".partition("\no=")
        said, _, after = rest.partition("\n")
        if not found or after[:2] == "o=" or "\no=" in after:
            raise _bad("no o= line, or more than one")
        if "\n\n" in text or not _is_text(said):
            raise _bad("a line that is not type=value")
        others = f"{before[1:]}\n{after}".strip("\n")
        session = _session(others) if _forgettable(others) else _remembered_session(others)
        media = tuple([_parse_media(section, session.connection, session.direction) for section in sections])
        origin = Origin.parse(said)
        return cls(origin, media, session.connection, session.attributes, session.name, session.lines)

    def get(self, name: str) -> str | None:
        """Give the value of the first session attribute of this name ("" for a flag), None when absent."""
        for found, value in self.attributes:
            if found == name:
                return value or ""
        return None

    def with_media(self, index: int, medium: Media) -> SessionDescription:
        """Give this description with one medium replaced."""
        return replace(self, media=(*self.media[:index], medium, *self.media[index + 1 :]))

    def with_address(self, address: str) -> SessionDescription:
        """Give this description with every address in it replaced: o=, c=, and c= of each medium."""
        connection = Connection.to(address)
        return replace(
            self,
            origin=replace(self.origin, connection=connection),
            connection=connection,
            media=tuple(
                medium if medium.rejected else replace(medium, connection=connection) for medium in self.media
            ),
        )

    def with_origin(self, session: str, version: int, user: str = "-") -> SessionDescription:
        """Give this description under another identity, at the same address."""
        return replace(self, origin=Origin(session, version, self.origin.connection, user))

    def __str__(self) -> str:
        parts = [f"v=0\r\no={self.origin}\r\ns={self.name}\r\n"]
        parts += [f"{line}\r\n" for line in self.lines if line[0] in _BEFORE_CONNECTION]
        if self.connection is not None:
            parts.append(f"c={self.connection}\r\n")
        parts += [f"{line}\r\n" for line in self.lines if line[0] not in _BEFORE_CONNECTION]
        parts.append(_print_attributes(self.attributes))
        parts += [medium.print(self.connection) for medium in self.media]
        return "".join(parts)

    def __bytes__(self) -> bytes:
        return str(self).encode("utf-8", "surrogateescape")


def _bad(why: str) -> BadMessage:
    return BadMessage("sdp", why, reason="Bad Session Description")


def _parse_attribute(value: str) -> Attribute:
    name, colon, rest = value.partition(":")
    return (name.rstrip(), rest if colon else None)


def _public(attributes: tuple[Attribute, ...]) -> bool:
    """Whether these attributes may be remembered: few, short, and no key among them."""
    return len(attributes) <= _FEW and not any(
        [name == "crypto" or (value is not None and len(value) > _LINE) for name, value in attributes]  # noqa: C419
    )


def _rtpmaps(formats: tuple[str, ...], attributes: tuple[Attribute, ...]) -> dict[str, RtpMap]:
    maps = {name: STATIC[name] for name in formats if name in STATIC}
    for attribute, value in attributes:
        match = _RTPMAP.fullmatch(value or "") if attribute == "rtpmap" else None
        if match:
            maps[match[1]] = RtpMap(match[2], int(match[3]), int(match[4] or 1))
    return {name: maps[name] for name in formats if name in maps}


def _print(attributes: tuple[Attribute, ...]) -> str:
    return "".join(
        [f"a={name}\r\n" if value is None else f"a={name}:{value}\r\n" for name, value in attributes]
    )


_remembered_rtpmaps = lru_cache(_REMEMBERED)(_rtpmaps)
_remembered_print = lru_cache(_REMEMBERED)(_print)


def _print_attributes(attributes: tuple[Attribute, ...]) -> str:
    return _remembered_print(attributes) if _public(attributes) else _print(attributes)


class _Section(NamedTuple):
    """What follows an o= line or an m= line; `direction` is what it says for all media."""

    connection: Connection | None
    attributes: tuple[Attribute, ...]
    direction: Attribute | None
    name: str
    lines: tuple[str, ...]


def _section(text: str) -> _Section:
    """Read lines in the order they came; raise BadMessage."""
    connection, direction, name = None, None, "-"
    attributes, others = [], []
    for line in text.split("\n") if text else ():
        if not _is_line(line):
            raise _bad("a line that is not type=value")
        kind, value = line[0], line[2:]
        if kind == "c":
            connection = Connection.parse(value)
        elif kind == "a":
            pair = _parse_attribute(value)
            attributes.append(pair)
            if direction is None and pair[0] in DIRECTIONS:
                direction = pair
        elif kind == "s":
            name = value
            others.append(line)
        else:
            others.append(line)
    return _Section(connection, tuple(attributes), direction, name, tuple(others))


def _session(text: str) -> _Section:
    """Read the lines of the session but v= and o=; raise BadMessage."""
    session = _section(text)
    others = [line for line in session.lines if line[0] not in "sv"]
    if not any(line[0] == "t" for line in others):
        others.append("t=0 0")
    # Printing sorts these around c=; reading does too, so that both give the same value.
    others.sort(key=lambda line: line[0] not in _BEFORE_CONNECTION)
    attributes = tuple(pair for pair in session.attributes if pair[0] not in DIRECTIONS)
    return session._replace(attributes=attributes, lines=tuple(others))


_remembered_section = lru_cache(_REMEMBERED)(_section)
_remembered_session = lru_cache(_REMEMBERED)(_session)


def _forgettable(text: str) -> bool:
    return len(text) > _SHORT or _private(text) is not None


def _parse_media(text: str, connection: Connection | None, direction: Attribute | None) -> Media:
    line, _, rest = text.partition("\n")
    words = line.split()
    if not 4 <= len(words) <= MAX_FORMATS + 3 or not all(map(_is_word, words)) or not _is_text(line):
        raise _bad("malformed m= line")
    port_text, slash, ports_text = words[1].partition("/")
    port = number(port_text, 65535)
    ports = number(ports_text, 65535) if slash else 1
    if port is None or not ports:
        raise _bad("malformed port in an m= line")
    section = _section(rest) if _forgettable(rest) else _remembered_section(rest)
    attributes, lines = section.attributes, section.lines
    connection = section.connection or connection
    if not port:
        connection = None
    elif connection is None:
        raise _bad("a medium without an address")
    if direction and section.direction is None:
        attributes = (*attributes, direction)
    if lines:
        lines = tuple(sorted(lines, key=lambda line: line[0] != "i"))
    return Media(words[0], port, words[2], tuple(words[3:]), connection, attributes, lines, ports)


def _describes(pair: Attribute, chosen: frozenset[str]) -> bool:
    """Whether an attribute is about one of the chosen formats, or about no format in particular."""
    name, value = pair
    if name not in _FORMAT_ATTRIBUTES:
        return True
    about = (value or "").split(" ", 1)[0]
    return about in chosen or about == "*"
