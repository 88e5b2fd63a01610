"""A phone in a browser, as far as signalling goes: `Wire` over the WebSocket of a foreign client.

Its media is plain RTP, which no browser speaks. Like a browser it knows no address of its own (RFC 7118 5).
"""

import ssl
from typing import Any, Self

from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.support.sipwire import Message, Wire


class WebPhone(Wire):
    """One WebSocket that talks SIP with one server. A context manager; `url` begins with ws: or wss:."""

    def __init__(
        self, url: str, server: tuple[str, int], origin: str = "", context: ssl.SSLContext | None = None
    ) -> None:
        self._url = url
        self._context = context
        self._origin = origin
        super().__init__("df7jal23ls0d.invalid", server)

    def __post_init__(self) -> None:
        more: dict[str, Any] = {"ssl": self._context} if self._context else {}
        origin = Origin(self._origin) if self._origin else None
        self._connecting = connect(self._url, subprotocols=[Subprotocol("sip")], origin=origin, **more)

    def __enter__(self) -> Self:
        self._socket = self._connecting.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        self._connecting.__exit__(*details)

    def request(self, method: str, uri: str, **options: Any) -> bytes:
        """Build a request that names this transport."""
        transport = b"WSS" if self._context else b"WS"
        data = super().request(method, uri, **options)
        data = data.replace(b"Via: SIP/2.0/UDP", b"Via: SIP/2.0/" + transport)
        return data.replace(b":5060>\r\n", b":5060;transport=ws>\r\n")

    def send(self, data: bytes) -> None:
        self._socket.send(data.decode())

    def receive(self, seconds: float = 5.0) -> Message:
        """Return the next message; TimeoutError if none comes."""
        text = self._socket.recv(seconds)
        data = text.encode() if isinstance(text, str) else text
        message = Message.parse(data, self.server)
        self.received.append(message)
        return message
