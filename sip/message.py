"""SIP messages (RFC 3261 section 7).

A message is split once into raw header lines and one dictionary of raw values; that is all `parse` does.
Typed values are read on demand and kept. Lines nobody touched leave byte for byte as they came.

Reading is structural: a message without To still parses, so that a 400 can be made of it. Whether it makes
sense is `sip.validate`'s question; a malformed value raises BadMessage when somebody asks for it.

Text is UTF-8 with surrogateescape, so any byte survives a round trip. Bodies are bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NoReturn, Self, TypeVar

from sip.contact import Contact, parse_expires
from sip.cseq import CSeq
from sip.errors import BadMessage, LocalError
from sip.grammar import number, split_commas
from sip.headers import COMMA, KEYS, canonical
from sip.nameaddr import NameAddr
from sip.reasons import REASONS
from sip.uri import SipUri
from sip.via import Via

MAX_MESSAGE = 2**20
"""Octets of one message on a stream; a datagram cannot be longer than MAX_DATAGRAM anyway."""
MAX_DATAGRAM = 2**16
MAX_HEADERS = 256
MAX_HEADER = 8192
"""Characters of one header field, folds included."""
MAX_FOLDS = 16

_METHODS = {
    *("ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "PUBLISH", "REFER"),
    *("REGISTER", "SUBSCRIBE", "UPDATE"),
}
_is_method = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]++").fullmatch
_version = re.compile(r"[Ss][Ii][Pp]/([0-9]{1,3}\.[0-9]{1,3})").fullmatch
_unfold = re.compile(r"[ \t]*+\r\n[ \t]++").sub
_fold_or_end = re.compile(r"\r\n(?![ \t])").split
_find_tag = re.compile(r";[ \t]*+tag[ \t]*+=", re.IGNORECASE).search

_T = TypeVar("_T")


class Message:
    """What requests and responses have in common."""

    __slots__ = ("_first", "_lines", "_more", "_typed", "body", "version")

    def __init__(self, lines: list[str], body: bytes, version: str = "SIP/2.0") -> None:
        """Take raw header lines; callers use `parse`, `Request.new` or `Request.respond`."""
        self._lines = lines
        self._first: dict[str, str] = {}
        self._more: dict[str, list[str]] = {}
        self._typed: dict[str, object] = {}
        self.body = body
        self.version = version

    # -- raw access ----------------------------------------------------------------------------------

    @property
    def start_line(self) -> str:
        """The first line without its line end."""
        raise NotImplementedError

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All header fields in order: the name as written, the value as written (folds and all)."""
        pairs = []
        for line in self._lines:
            name, _, value = line.partition(":")
            pairs.append((name.rstrip(" \t"), value.strip(" \t")))
        return pairs

    def get(self, name: str) -> str | None:
        """Give the first raw value of a header, unfolded, or None."""
        return self._first.get(KEYS.get(name) or canonical(name))

    def all(self, name: str) -> list[str]:
        """Give every raw value of a header, unfolded, one for each line."""
        key = canonical(name)
        more = self._more.get(key)
        if more is not None:
            return list(more)
        first = self._first.get(key)
        return [] if first is None else [first]

    def values(self, name: str) -> list[str]:
        """Give every element of a header: like `all`, and split at commas where the header is a list."""
        key = canonical(name)
        if key not in COMMA:
            return self.all(key)
        return [element for value in self.all(key) for element in split_commas(value)]

    def __contains__(self, name: str) -> bool:
        return canonical(name) in self._first

    # -- edits ---------------------------------------------------------------------------------------

    def add(self, name: str, value: str) -> None:
        """Append a header field."""
        key = _checked(name, value)
        self._lines.append(f"{_spelling(name, key)}: {value}")
        self._file(key, value)
        self._typed.pop(key, None)

    def put(self, key: str, value: str) -> None:
        """Append a header whose name is canonical and whose value came out of a parsed message."""
        self._lines.append(f"{key}: {value}")
        self._file(key, value)

    def prepend(self, name: str, value: str) -> None:
        """Put a header field above all others (Via, Route, Record-Route)."""
        key = _checked(name, value)
        self._lines.insert(0, f"{_spelling(name, key)}: {value}")
        self._reindex(key)

    def set(self, name: str, value: str) -> None:
        """Replace all fields of this name by one, where the first one stood, else at the end."""
        key = _checked(name, value)
        line = f"{_spelling(name, key)}: {value}"
        places = self._places(key)
        if places:
            self._lines[places[0]] = line
            for place in reversed(places[1:]):
                del self._lines[place]
        else:
            self._lines.append(line)
        self._first[key] = value
        self._more.pop(key, None)
        self._typed.pop(key, None)

    def replace_first(self, name: str, value: str) -> None:
        """Replace the first element of a header, e.g. the top Via; what follows it stays as it came."""
        key = _checked(name, value)
        places = self._places(key)
        if not places:
            raise LocalError("there is no such header to replace")
        rest = split_commas(self._first[key])[1:] if key in COMMA else []
        self._lines[places[0]] = f"{_spelling(name, key)}: {', '.join([value, *rest])}"
        self._reindex(key)

    def remove(self, name: str) -> None:
        """Remove all fields of this name, if any."""
        key = canonical(name)
        for place in reversed(self._places(key)):
            del self._lines[place]
        self._first.pop(key, None)
        self._more.pop(key, None)
        self._typed.pop(key, None)

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
        return self._get("Via", _first_via)

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

    def _file(self, key: str, value: str) -> None:
        first = self._first
        if key not in first:
            first[key] = value
        elif key in self._more:
            self._more[key].append(value)
        else:
            self._more[key] = [first[key], value]

    def build(self, headers: Iterable[tuple[str, str]]) -> None:
        """Append the headers of a message of our own and its Content-Length."""
        for name, value in headers:
            self.add(name, value)
        if "Content-Length" not in self._first:
            self.add("Content-Length", str(len(self.body)))

    def _places(self, key: str) -> list[int]:
        if key not in self._first:
            return []
        return [at for at, line in enumerate(self._lines) if canonical(line.partition(":")[0]) == key]

    def _reindex(self, key: str) -> None:
        """File one header anew after its lines have moved."""
        self._first.pop(key, None)
        self._more.pop(key, None)
        self._typed.pop(key, None)
        for line in self._lines:
            name, _, value = line.partition(":")
            if canonical(name) == key:
                self._file(key, _unfold(" ", value).strip(" \t"))

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
        try:
            return [parse_value(value) for value in self.values(key)]
        except BadMessage as error:
            self._blame(error, key)

    def _tag(self, key: str) -> str:
        value = self._first.get(key)
        if value is None:
            self._absent(key)
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
        found = self._typed.get("")
        if not isinstance(found, SipUri) or self._typed.get(" ") != self.uri:
            try:
                found = SipUri.parse(self.uri)
            except BadMessage as error:
                raise BadMessage("start", error.why, self, reason="Bad Request-URI") from None
            self._typed[""], self._typed[" "] = found, self.uri
        return found

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
        response = Response(status, REASONS.get(status, "") if reason is None else reason, [], body)
        for value in self.all("Via"):
            response.put("Via", value)
        for key in ("From", "To", "Call-ID", "CSeq"):
            copied = self._first.get(key)
            if copied is not None:
                tagged = key == "To" and to_tag and not self._has_to_tag()
                response.put(key, f"{copied};tag={to_tag}" if tagged else copied)
        if status == 100 and "Timestamp" in self._first:
            response.put("Timestamp", self._first["Timestamp"])
        response.build(headers)
        return response

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
    if not end:
        text = text.removesuffix("\r\n")
    ends = text.count("\n")
    if ends != text.count("\r") or ends != text.count("\r\n"):
        # A lone CR or LF is how one message is read as two by somebody else.
        raise BadMessage("framing", "a line end that is not CRLF")
    if ends > MAX_HEADERS * (MAX_FOLDS + 1):
        raise BadMessage("framing", "too many lines")
    folded = "\r\n " in text or "\r\n\t" in text
    lines = _fold_or_end(text) if folded else text.split("\r\n")
    if len(lines) > MAX_HEADERS + 1:
        raise BadMessage("framing", "too many headers")
    if len(text) > MAX_HEADER and max(map(len, lines)) > MAX_HEADER:
        raise BadMessage("framing", "a header is too long")
    message, fault = _start(lines.pop(0), lines, body)
    header_fault = _index(message, folded=folded)
    if not end:
        raise BadMessage("framing", "the header section has no end", message)
    if fault:
        raise BadMessage("start", fault, message)
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
        if method in _METHODS or _is_method(method):
            return Request(method, uri, lines, body), "a Request-URI in brackets" if uri[0] == "<" else ""
    # Status-Line  =  SIP-Version SP Status-Code SP Reason-Phrase CRLF
    version = _version(words[0])
    if version:
        _, _, rest = line.partition(" ")
        code, _, reason = rest.partition(" ")
        if len(code) != 3 or (number(code, 699) or 0) < 100 or "\r" in reason:
            return Response(0, "", lines, body), "malformed status line"
        return Response(int(code), reason, lines, body, f"SIP/{version[1]}"), ""
    # What is left is another version, or blanks where none belong, or not SIP at all.
    words = line.split()
    version = _version(words[-1]) if len(words) > 2 else None
    if version is None or not _is_method(words[0]):
        raise BadMessage("start", "not a SIP message")
    request = Request(words[0], " ".join(words[1:-1]), lines, body, f"SIP/{version[1]}")
    return request, "" if line == " ".join(words) and len(words) == 3 else "blanks where none belong"


def _index(message: Message, *, folded: bool) -> str:
    """File every header line under its canonical name; say what is wrong with them, if anything."""
    first, fault = message._first, ""  # noqa: SLF001
    known = KEYS.get
    for line in message._lines:  # noqa: SLF001
        name, colon, value = line.partition(":")
        key = known(name) or canonical(name)
        if not key or not colon:
            fault = "a line without a header name"
            continue
        if folded and "\r\n" in value:
            if value.count("\r\n") > MAX_FOLDS:
                fault = "a header folded too often"
                continue
            value = _unfold(" ", value)
        value = value.strip(" \t")
        if key in first:
            message._file(key, value)  # noqa: SLF001
        else:
            first[key] = value
    return fault


def _measure(message: Message) -> None:
    """Cut the body to its Content-Length."""
    lengths = message.all("Content-Length")
    length = number(lengths[0], MAX_MESSAGE)
    if length is None or len(lengths) > 1:
        raise BadMessage("framing", "not one Content-Length", message, header="Content-Length")
    if length > len(message.body):
        raise BadMessage(
            "framing", "the body is shorter than Content-Length", message, header="Content-Length"
        )
    if length < len(message.body):
        message.body = message.body[:length]


def _checked(name: str, value: str) -> str:
    """Refuse a header of ours that would break the message apart; give its canonical name."""
    key = canonical(name)
    if not key or "\r" in value or "\n" in value:
        raise LocalError("a header name or value that would break the message")
    return key


def _spelling(name: str, key: str) -> str:
    """Give the spelling to write: canonical for headers we know, else the caller's."""
    return key if key in KEYS else name


def _first_via(value: str) -> Via:
    return Via.parse(split_commas(value)[0] if "," in value else value)
