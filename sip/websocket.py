"""The server side of one WebSocket (RFC 6455) that carries SIP (RFC 7118), without its socket.

One WebSocket message is one SIP message, text or binary. The opening handshake asks for the subprotocol
"sip"; no extension is ever agreed on, so nothing is ever decompressed. wsproto reads handshake and frames;
what it makes of hostile octets ends here, in a BadMessage(layer="framing").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.events import Message as Piece
from wsproto.events import Ping as PingFrame
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import ProtocolError

from sip.errors import BadMessage
from sip.framing import PING, Ping
from sip.message import MAX_MESSAGE

SUBPROTOCOL: Final = "sip"
ANY_ORIGIN: Final = "*"
_BLANK: Final = b"\r\n\t "
_DOUBLE: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """Octets to write on the connection: the answer to a handshake, a ping or a close."""

    data: bytes


class WebSocketFramer:
    """Cuts one connection's octets into SIP messages, and wraps ours.

    `origins` are the web pages whose scripts may connect, as browsers name them ("https://phone.example.com");
    "*" stands for all. Who sends no Origin is no browser and passes (RFC 6455 10.2).
    """

    __slots__ = ("_origins", "_pieces", "_protocol", "_size", "closed")

    def __init__(self, origins: frozenset[str] = frozenset()) -> None:
        self._origins = origins
        self._protocol = WSConnection(ConnectionType.SERVER)
        self._pieces: list[bytes] = []
        self._size = 0
        self.closed = False

    @property
    def open(self) -> bool:
        """Whether the handshake is done and nobody has said goodbye: `wrap` may be called."""
        return self._protocol.state is ConnectionState.OPEN

    @property
    def buffered(self) -> int:
        """Octets waiting for the rest of their message."""
        return self._size

    def feed(self, data: bytes) -> Iterator[bytes | Ping | Reply]:
        """Take octets; give, in order, each complete message, each ping, and whatever is to be written.

        Raise BadMessage(layer="framing") behind that; then, or once `closed` is set, the connection must be
        closed when what was written has left.
        """
        if self.closed or not data:
            return
        try:
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                yield from self._on(event)
                if not self.open:
                    return
        except (ProtocolError, UnicodeError) as error:
            # wsproto decodes some header fields of the handshake without a look.
            self.closed = True
            hint = getattr(error, "event_hint", None)
            if not isinstance(hint, RejectConnection):
                hint = RejectConnection(status_code=400)
            if self._protocol.state is ConnectionState.CONNECTING:
                yield Reply(self._protocol.send(hint))
            raise BadMessage("framing", "not a WebSocket") from error

    def wrap(self, message: bytes) -> bytes:
        """Make one WebSocket message of a SIP message: text, or binary if it is not UTF-8 (RFC 7118 5)."""
        try:
            return self._protocol.send(Piece(data=message.decode()))
        except UnicodeDecodeError:
            return self._protocol.send(Piece(data=message))

    def ping(self) -> bytes:
        """Ask for a sign of life, which every WebSocket gives by itself."""
        return self._protocol.send(PingFrame())

    def goodbye(self) -> bytes:
        """Begin to close: the box is going away (RFC 6455 7.4.1)."""
        self.closed = True
        return self._protocol.send(CloseConnection(code=CloseReason.GOING_AWAY))

    def _on(self, event: Event) -> Iterator[bytes | Ping | Reply]:
        if isinstance(event, TextMessage | BytesMessage):
            yield from self._piece(event)
        elif isinstance(event, PingFrame):
            yield Reply(self._protocol.send(event.response()))
        elif isinstance(event, Request):
            yield from self._handshake(event)
        elif isinstance(event, CloseConnection):
            # Theirs, or what wsproto says of frames it cannot read; both are answered alike.
            self.closed = True
            broken = self.open
            yield Reply(self._protocol.send(event.response()))
            if broken:
                raise BadMessage("framing", "a frame that RFC 6455 does not allow")

    def _handshake(self, request: Request) -> Iterator[Reply]:
        """RFC 7118 4.1; RFC 6455 4.2.2 and 10.2."""
        refusal = ""
        if SUBPROTOCOL not in request.subprotocols:
            refusal, status = "subprotocol", 400
        elif not self._allowed(request):
            refusal, status = "origin", 403
        if not refusal:
            yield Reply(self._protocol.send(AcceptConnection(subprotocol=SUBPROTOCOL)))
            return
        self.closed = True
        yield Reply(self._protocol.send(RejectConnection(status_code=status)))
        raise BadMessage("framing", refusal, status=status, reason="Forbidden")

    def _allowed(self, request: Request) -> bool:
        named = [value for name, value in request.extra_headers if name == b"origin"]
        if ANY_ORIGIN in self._origins or not named:
            return True
        return len(named) == 1 and named[0].decode("latin-1").lower() in self._origins

    def _piece(self, event: TextMessage | BytesMessage) -> Iterator[bytes | Ping | Reply]:
        """Collect the frames of a message, up to a bound."""
        data = event.data.encode() if isinstance(event.data, str) else bytes(event.data)
        self._size += len(data)
        if self._size > MAX_MESSAGE:
            self.closed = True
            yield Reply(self._protocol.send(CloseConnection(code=CloseReason.MESSAGE_TOO_BIG)))
            raise BadMessage("framing", "message too long", status=513, reason="Message Too Large")
        self._pieces.append(data)
        if not event.message_finished:
            return
        message = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if message.strip(_BLANK):
            yield message
        elif message == _DOUBLE:
            yield PING  # RFC 5626 3.5.1: what some clients send instead of a ping frame
