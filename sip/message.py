"""SIP messages (RFC 3261 section 7).

A message is split once into raw header lines and one dictionary of raw values; that is all `parse` does.
Typed values are read on demand and kept. Lines nobody touched leave byte for byte as they came.

Reading is structural: a message without To still parses, so that a 400 can be made of it. Whether it makes
sense is `sip.validate`'s question; a malformed value raises BadMessage when somebody asks for it.

Text is UTF-8 with surrogateescape, so any byte survives a round trip. Bodies are bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn, Self, TypeVar

from sip.contact import Contact, parse_expires
from sip.cseq import CSeq
from sip.errors import BadMessage, LocalError
from sip.fields import MAX_HEADER, MAX_HEADERS, Fields, checked, header_line
from sip.grammar import number, split_commas
from sip.headers import KEYS
from sip.nameaddr import NameAddr
from sip.reasons import REASONS
from sip.uri import SipUri
from sip.via import Via

MAX_MESSAGE = 2**20
"""Octets of one message on a stream; a datagram cannot be longer than 64 KiB anyway."""
MAX_ELEMENTS = 128
"""Hops, contacts or routes of one message; each costs some microseconds before we know who asks."""

METHODS = {
    *("ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "PUBLISH", "REFER"),
    *("REGISTER", "SUBSCRIBE", "UPDATE"),
}
"""Methods somebody has standardised; whether we serve them is another question."""
_is_method = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]++").fullmatch
_version = re.compile(r"[Ss][Ii][Pp]/([0-9]{1,3}\.[0-9]{1,3})").fullmatch
_find_tag = re.compile(r";[ \t]*+tag[ \t]*+=", re.IGNORECASE).search

_T = TypeVar("_T")


class Message(Fields):
    """What requests and responses have in common."""

    __slots__ = ("body", "version")

    def __init__(self, lines: list[str], body: bytes, version: str = "SIP/2.0") -> None:
        """Take raw header lines; callers use `parse`, `Request.new` or `Request.respond`."""
        super().__init__(lines)
        self.body = body
        self.version = version

    # -- raw access ----------------------------------------------------------------------------------

    @property
    def start_line(self) -> str:
        """The first line without its line end."""
        raise NotImplementedError

    @property
    def date(self) -> int | None:
        """Seconds since 1970 that Date says, None when absent."""
        from sip.date import parse_date  # seldom asked for

        value = self._first.get("Date")
        try:
            return None if value is None else parse_date(value)
        except BadMessage as error:
            self._blame(error, "Date")

    def set_body(self, body: bytes, content_type: str = "") -> None:
        """Replace the body together with Content-Length and Content-Type."""
        self.body = body
        if content_type:
            self.set("Content-Type", content_type)
        else:
            self.remove("Content-Type")
        self.set("Content-Length", str(len(body)))

    # -- typed access: absent mandatory headers and malformed values raise BadMessage ---------------------

    @property
    def via(self) -> Via:
        """The top Via."""
        vias = self._typed.get("Vias")
        return vias[0] if isinstance(vias, list) else self._get("Via", _first_via)

    @property
    def vias(self) -> list[Via]:
        """All Via hops, topmost first."""
        return self._list("Via", Via.parse)

    @property
    def from_(self) -> NameAddr:
        """The From address."""
        return self._get("From", NameAddr.parse)

    @property
    def to(self) -> NameAddr:
        """The To address."""
        return self._get("To", NameAddr.parse)

    @property
    def cseq(self) -> CSeq:
        """The CSeq."""
        return self._get("CSeq", CSeq.parse)

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        value = self._first.get("Call-ID")
        if not value:
            self._absent("Call-ID")
        return value

    @property
    def contacts(self) -> list[Contact]:
        """All contacts, [] when there are none."""
        return self._list("Contact", Contact.parse)

    @property
    def routes(self) -> list[NameAddr]:
        """The Route set, [] when there is none."""
        return self._list("Route", NameAddr.parse)

    @property
    def record_routes(self) -> list[NameAddr]:
        """The Record-Route set, [] when there is none."""
        return self._list("Record-Route", NameAddr.parse)

    @property
    def max_forwards(self) -> int | None:
        """Hops left, None when the header is absent (RFC 2543)."""
        value = self._first.get("Max-Forwards")
        if value is None:
            return None
        hops = number(value, 2**32 - 1)
        if hops is None:
            raise BadMessage("header", "malformed", self, header="Max-Forwards")
        return hops

    @property
    def expires(self) -> int | None:
        """Seconds, None when absent; malformed counts as 3600 (RFC 3261 10.2.1.1)."""
        value = self._first.get("Expires")
        return None if value is None else parse_expires(value)

    @property
    def content_type(self) -> str:
        """The media type in lower case without its parameters, "" when absent."""
        return (self._first.get("Content-Type") or "").partition(";")[0].strip(" \t").lower()

    # -- cheap access: what matching needs, without building values ------------------------------------------

    @property
    def branch(self) -> str:
        """The branch of the top Via, "" when it has none."""
        value = self._first.get("Via")
        if value is None:
            self._absent("Via")
        if '"' not in value:
            end = value.find(",")
            if end >= 0:
                value = value[:end]
            start = value.find(";branch=")
            if start >= 0:
                start += 8
                end = value.find(";", start)
                branch = value[start:] if end < 0 else value[start:end]
                return branch.strip(" \t")
        return self.via.branch

    @property
    def from_tag(self) -> str:
        """The From tag, "" when it has none."""
        return self._tag("From")

    @property
    def to_tag(self) -> str:
        """The To tag, "" when it has none."""
        return self._tag("To")

    @property
    def cseq_number(self) -> int:
        """The CSeq number."""
        return self.cseq.number

    @property
    def cseq_method(self) -> str:
        """The CSeq method."""
        return self.cseq.method

    # -- printing ----------------------------------------------------------------------------------------

    def __bytes__(self) -> bytes:
        lines = "\r\n".join(self._lines)
        head = f"{self.start_line}\r\n{lines}\r\n\r\n" if lines else f"{self.start_line}\r\n\r\n"
        return head.encode("utf-8", "surrogateescape") + self.body

    # -- inside ------------------------------------------------------------------------------------------

    def build(self, headers: Iterable[tuple[str, str]]) -> None:
        """Append the headers of a message of our own and its Content-Length."""
        lines, first = self._lines, self._first
        for name, value in headers:
            key = checked(name, value)
            lines.append(f"{key if key in KEYS else name}: {value}")
            if key in first:
                self._file(key, value)
            else:
                first[key] = value
        if "Content-Length" not in first:
            self.add("Content-Length", str(len(self.body)))
        self._typed.clear()

    def _get(self, key: str, parse_value: Callable[[str], _T]) -> _T:
        found = self._typed.get(key)
        if found is None:
            value = self._first.get(key)
            if value is None:
                self._absent(key)
            try:
                found = self._typed[key] = parse_value(value)
            except BadMessage as error:
                self._blame(error, key)
        return found  # type: ignore[return-value]  # one key is only ever read with one parser

    def _list(self, key: str, parse_value: Callable[[str], _T]) -> list[_T]:
        value = self._first.get(key)
        if value is None:
            return []
        found = self._typed.get(key + "s")
        if found is None:
            single = "," not in value and key not in self._more
            values = [value] if single else self.values(key)
            try:
                if len(values) > MAX_ELEMENTS:
                    raise BadMessage("header", "too many elements")
                found = self._typed[key + "s"] = [parse_value(value) for value in values]
            except BadMessage as error:
                self._blame(error, key)
        return list(found)  # type: ignore[call-overload,no-any-return]  # as in _get

    def _tag(self, key: str) -> str:
        value = self._first.get(key)
        if value is None:
            self._absent(key)
        if value[-1:] == ">":
            return ""
        if '"' not in value:
            # What nearly everybody writes: nothing but the tag stands behind the address.
            _, found, tag = value.partition(">;tag=")
            if found and ";" not in tag:
                return tag.strip(" \t")
        # Behind the last ">" there is no URI any more, and without quotes no way to hide a ";tag=".
        start = value.rfind(">")
        if start < value.rfind('"'):
            return self._get(key, NameAddr.parse).tag
        match = _find_tag(value, start + 1)
        if match is None:
            return ""
        end = value.find(";", match.end())
        return (value[match.end() :] if end < 0 else value[match.end() : end]).strip(" \t")

    def _absent(self, key: str) -> NoReturn:
        raise BadMessage("semantic", "a mandatory header is absent", self, reason=f"Missing {key}")

    def _blame(self, error: BadMessage, key: str) -> NoReturn:
        raise BadMessage("header", error.why, self, header=key) from None


class Request(Message):
    """A request. `uri` is the Request-URI as written, `request_uri` the same as a value."""

    __slots__ = ("method", "uri")

    def __init__(
        self, method: str, uri: str, lines: list[str], body: bytes = b"", version: str = "SIP/2.0"
    ) -> None:
        """Take raw header lines; callers use `parse` or `Request.new`."""
        super().__init__(lines, body, version)
        self.method = method
        self.uri = uri

    @classmethod
    def new(
        cls, method: str, uri: str | SipUri, headers: Iterable[tuple[str, str]], body: bytes = b""
    ) -> Self:
        """Make a request; Content-Length is added unless given."""
        text = str(uri)
        if not _is_method(method) or not text or " " in text or "\r" in text or "\n" in text:
            raise LocalError("malformed method or Request-URI")
        request = cls(method, text, [], body)
        request.build(headers)
        return request

    @property
    def start_line(self) -> str:
        """The request line."""
        return f"{self.method} {self.uri} {self.version}"

    @property
    def request_uri(self) -> SipUri:
        """The Request-URI; raise BadMessage(layer="start") when malformed."""
        known = self._typed.get("uri")
        if isinstance(known, tuple) and known[0] == self.uri:
            return known[1]  # type: ignore[no-any-return]  # written two lines below
        try:
            uri = SipUri.parse(self.uri)
        except BadMessage as error:
            raise BadMessage("start", error.why, self, reason="Bad Request-URI") from None
        self._typed["uri"] = (self.uri, uri)
        return uri

    def again(self, lines: list[str], values: Mapping[str, str], typed: Mapping[str, object]) -> Request:
        """Give a twin of this request with other header lines.

        `values`: what those say that are other or new, by canonical name; each header of them stands on one
        line. `typed`: typed values of them, for whoever has them already.
        """
        twin = Request(self.method, self.uri, lines, self.body, self.version)
        twin._first = {**self._first, **values}
        twin._more = self._more
        twin._typed = {**self._typed, **typed}
        return twin

    def respond(
        self,
        status: int,
        reason: str | None = None,
        *,
        to_tag: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Response:
        """Make a response to this request (RFC 3261 8.2.6).

        Via lines, From, To, Call-ID and CSeq are copied as they came, absent ones are left out; `to_tag` is
        added unless To has a tag; a 100 copies Timestamp. Content-Length is added unless given.
        """
        lines = self._answer_lines(status, to_tag, headers, body)
        response = Response(status, REASONS.get(status, "") if reason is None else reason, lines, body)
        response.index(lines)
        return response

    def answer(
        self,
        status: int,
        reason: str | None = None,
        *,
        to_tag: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> bytes:
        """Give what `bytes(respond(...))` gives, without a message in between that nobody reads."""
        lines = "\r\n".join(self._answer_lines(status, to_tag, headers, body))
        told = REASONS.get(status, "") if reason is None else reason
        return f"SIP/2.0 {status} {told}\r\n{lines}\r\n\r\n".encode("utf-8", "surrogateescape") + body

    def _answer_lines(
        self, status: int, to_tag: str | None, headers: Iterable[tuple[str, str]], body: bytes
    ) -> list[str]:
        first = self._first
        lines = [f"Via: {value}" for value in self.all("Via")]
        for key in ("From", "To", "Call-ID", "CSeq"):
            copied = first.get(key)
            if copied is None:
                continue
            tagged = key == "To" and to_tag and not self._has_to_tag()
            lines.append(f"{key}: {copied};tag={to_tag}" if tagged else f"{key}: {copied}")
        if status == 100 and "Timestamp" in first:
            lines.append(f"Timestamp: {first['Timestamp']}")
        measured = False
        for name, value in headers:
            lines.append(header_line(name, value))
            measured = measured or name == "Content-Length"
        if not measured:
            lines.append(f"Content-Length: {len(body)}")
        return lines

    def _has_to_tag(self) -> bool:
        try:
            return bool(self.to_tag)
        except BadMessage:
            return True


class Response(Message):
    """A response."""

    __slots__ = ("reason", "status")

    def __init__(
        self, status: int, reason: str, lines: list[str], body: bytes = b"", version: str = "SIP/2.0"
    ) -> None:
        """Take raw header lines; callers use `parse` or `Request.respond`."""
        super().__init__(lines, body, version)
        self.status = status
        self.reason = reason

    @property
    def start_line(self) -> str:
        """The status line."""
        return f"{self.version} {self.status} {self.reason}"


def parse(data: bytes) -> Request | Response:
    """Read one datagram or one framed stream message; raise BadMessage, never anything else.

    Line ends before the start line are skipped (RFC 3261 7.5). Octets behind Content-Length are dropped
    (18.3); a body shorter than it, or two lengths, are framing errors.
    """
    if len(data) > MAX_MESSAGE:
        raise BadMessage("framing", "message too long", status=513, reason="Message Too Large")
    if data[:1] in {b"\r", b"\n"}:
        data = data.lstrip(b"\r\n")
    head, end, body = data.partition(b"\r\n\r\n")
    text = head.decode("utf-8", "surrogateescape")
    lines = text.split("\r\n") if end else text.removesuffix("\r\n").split("\r\n")
    if text.count("\n") != text.count("\r\n") or text.count("\r") != text.count("\r\n"):
        # A lone CR or LF is how one message is read as two by somebody else.
        raise BadMessage("framing", "a line end that is not CRLF")
    if len(text) > MAX_HEADER and max(map(len, lines)) > MAX_HEADER:
        raise BadMessage("framing", "a header is too long")
    message, start_fault = _start(lines.pop(0), lines, body)
    header_fault = message.index(lines) if len(lines) <= MAX_HEADERS else "too many headers"
    if header_fault:
        header_fault = message.index_folded(lines)
    if not end:
        raise BadMessage("framing", "the header section has no end", message)
    if start_fault:
        raise BadMessage("start", start_fault, message)
    if header_fault:
        raise BadMessage("header", header_fault, message)
    if "Content-Length" in message._first:  # noqa: SLF001  # parse is the message's own reader
        _measure(message)
    return message


def _start(line: str, lines: list[str], body: bytes) -> tuple[Request | Response, str]:
    """Read the start line; give the message and what is wrong with the line, if anything."""
    # Request-Line  =  Method SP Request-URI SP SIP-Version CRLF
    words = line.split(" ")
    if len(words) == 3 and words[2] == "SIP/2.0" and words[1]:
        method, uri, _ = words
        if method in METHODS or _is_method(method):
            return Request(method, uri, lines, body), "a Request-URI in brackets" if uri[0] == "<" else ""
    # Status-Line  =  SIP-Version SP Status-Code SP Reason-Phrase CRLF
    version = _version(words[0])
    if version:
        _, _, rest = line.partition(" ")
        code, _, reason = rest.partition(" ")
        if len(code) != 3 or (number(code, 699) or 0) < 100:
            return Response(0, "", lines, body), "malformed status line"
        return Response(int(code), reason, lines, body, f"SIP/{version[1]}"), ""
    # What is left is another version, or blanks where none belong, or not SIP at all.
    words = line.split()
    version = _version(words[-1]) if len(words) > 2 else None
    if version is None or not _is_method(words[0]):
        raise BadMessage("start", "not a SIP message")
    request = Request(words[0], " ".join(words[1:-1]), lines, body, f"SIP/{version[1]}")
    return request, "" if line == " ".join(words) and len(words) == 3 else "blanks where none belong"


def _measure(message: Message) -> None:
    """Cut the body to its Content-Length."""
    length = number(message._first["Content-Length"], MAX_MESSAGE)  # noqa: SLF001
    if length is None or "Content-Length" in message._more:  # noqa: SLF001
        raise BadMessage("framing", "not one Content-Length", message, header="Content-Length")
    if length > len(message.body):
        raise BadMessage(
            "framing", "the body is shorter than Content-Length", message, header="Content-Length"
        )
    if length < len(message.body):
        message.body = message.body[:length]


def _first_via(value: str) -> Via:
    return Via.parse(split_commas(value)[0] if "," in value else value)
