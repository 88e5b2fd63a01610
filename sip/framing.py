"""Messages on a stream (RFC 3261 section 18.3, RFC 5626 section 3.5.1).

On TCP and TLS a message ends where its Content-Length says. Between messages a lone CRLF means nothing and
a double CRLF is a ping, to be answered by one CRLF. A fault here loses the place in the stream for good.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sip.errors import BadMessage
from sip.grammar import number
from sip.message import MAX_MESSAGE, Message, parse

MAX_HEAD = 2**16
"""Octets of start line and headers."""

PONG = b"\r\n"
_END = b"\r\n\r\n"
_lengths = re.compile(
    rb"\r\n(?:content-length|l)[ \t]*+:[ \t]*+(?:\r\n[ \t]++)?([^\r\n]*+)", re.IGNORECASE
).findall
_lengths_gone = re.compile(
    rb"\r\n(?:content-length|l)[ \t]*+:[^\r\n]*+(?:\r\n[ \t]++[^\r\n]*+)*", re.IGNORECASE
).sub


class Ping:
    """A keep-alive: the peer wants PONG back."""

    __slots__ = ()


PING = Ping()


class StreamFramer:
    """Cuts one connection's octets into messages."""

    __slots__ = ("_buffer", "_error", "_need", "_scanned")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0  # no end of headers lies before this place
        self._need = 0  # octets of the message at the front, 0 while its headers are not complete
        self._error: BadMessage | None = None

    def feed(self, data: bytes) -> Iterator[bytes | Ping]:
        """Take octets; give each complete message and each ping, in order.

        Raise BadMessage(layer="framing") behind what was complete; then the connection must be closed, after
        answering `partial` if that is a request. Feeding again raises the same.
        """
        if self._error is None:
            self._buffer += data
        while self._error is None:
            if not self._need:
                if self._buffer[:2] == b"\r\n":
                    if self._buffer[:4] == _END:
                        del self._buffer[:4]
                        yield PING
                        continue
                    if _END.startswith(self._buffer):
                        return  # perhaps the first half of a ping
                    del self._buffer[:2]
                self._measure()
            if not self._need or len(self._buffer) < self._need:
                break
            message = bytes(self._buffer[: self._need])
            del self._buffer[: self._need]
            self._need = self._scanned = 0
            yield message
        if self._error is not None:
            self._buffer.clear()
            raise self._error

    @property
    def buffered(self) -> int:
        """Octets waiting for the rest of their message."""
        return len(self._buffer)

    def _measure(self) -> None:
        """Find out how long the message at the front is, once its headers are complete."""
        end = self._buffer.find(_END, self._scanned)
        if end > MAX_HEAD or (end < 0 and len(self._buffer) > MAX_HEAD):
            self._error = BadMessage("framing", "headers too long", status=513, reason="Message Too Large")
            return
        if end < 0:
            self._scanned = max(0, len(self._buffer) - 3)
            return
        head = bytes(self._buffer[: end + 4])
        lengths = _lengths(head)
        length = number(lengths[0].decode("latin-1").strip(" \t"), 2**63) if len(lengths) == 1 else None
        if length is None:
            self._fail(head, "not one Content-Length")
        elif end + 4 + length > MAX_MESSAGE:
            self._fail(head, "message too long", 513)
        else:
            self._need = end + 4 + length

    def _fail(self, head: bytes, why: str, status: int = 400) -> None:
        """Remember the fault, with as much of the message as can be answered."""
        partial: Message | None = None
        try:
            partial = parse(_lengths_gone(b"", head))
        except BadMessage as error:
            partial = error.partial
        reason = "Message Too Large" if status == 513 else ""
        self._error = BadMessage(
            "framing", why, partial, header="Content-Length", status=status, reason=reason
        )
