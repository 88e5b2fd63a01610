"""SIP over WebSocket (RFC 7118): the connections of browsers and their like, over TCP ("WS") or TLS ("WSS").

Bounds and times are those of every stream. A connection that has proved who is at its end is kept alive by
pings, which browsers answer by themselves: a page that is gone is noticed, and address translation on the
way remembers the connection.
"""

from __future__ import annotations

from typing import Any

from sip.errors import BadMessage
from sip.flow import Flow
from sip.framing import PONG, Ping
from sip.transport.stream import Connection, Home
from sip.transport.tcp import StreamTransport
from sip.websocket import Reply, WebSocketFramer


class WebSocketConnection(Connection):
    """One WebSocket of a far end."""

    __slots__ = ("_frames", "_pinged")

    def __init__(self, home: Home, flow: Flow, origins: frozenset[str]) -> None:
        super().__init__(home, flow)
        self._frames = WebSocketFramer(origins)
        self._pinged = False

    def data_received(self, data: bytes) -> None:
        """Answer the handshake, then hand messages on."""
        home, frames = self._home, self._frames
        now = home.clock()
        self._pinged = False
        was_open, begun = frames.open, frames.buffered
        try:
            for item in frames.feed(data):
                if isinstance(item, Reply):
                    self._write(item.data)
                elif isinstance(item, Ping):
                    self.send(PONG)
                else:
                    begun = 0
                    home.stack.receive(item, self.flow, now)
                if self._transport is None or self._transport.is_closing():
                    return
        except BadMessage as error:
            home.count(f"websocket: {error.why}")
        if frames.closed:
            super().close()
        elif frames.buffered and not begun:
            # A message has begun; trickling in gives it no more time.
            self._expect(home.limits.message)
        elif not frames.buffered and was_open:
            self._rest()

    def send(self, data: bytes) -> bool:
        """Send one message; False when the handshake is not done, or the connection is going."""
        return self._frames.open and self._write(self._frames.wrap(data))

    def close(self) -> None:
        """Say goodbye and close when what was written has left."""
        if self._frames.open:
            self._write(self._frames.goodbye())
        super().close()

    def _write(self, data: bytes) -> bool:
        return super().send(data)

    def _rest(self) -> None:
        """Wait for the next message; of those we know, ask now and then whether they are there."""
        if self.proven:
            self._expect(self._home.limits.ping)
        else:
            super()._rest()

    def _watch(self) -> None:
        late = self._deadline <= self._home.loop.time()
        if late and self.proven and self._frames.open and not self._frames.buffered and not self._pinged:
            self._timer = None
            self._pinged = True
            self._write(self._frames.ping())
            self._expect(self._home.limits.pong)
        else:
            super()._watch()


class WebSocketTransport(StreamTransport):
    """One listening socket for WebSocket, over TLS when given a context.

    `origins` says which pages may connect from now on (`sip.websocket.WebSocketFramer`).
    """

    def __init__(self, *arguments: Any, origins: frozenset[str], **named: Any) -> None:
        """Do as StreamTransport does."""
        super().__init__(*arguments, **named)
        self.kind = "WSS" if named.get("context") else "WS"
        self.origins = origins

    def connection(self, flow: Flow) -> Connection:
        """Make what serves a connection that is being accepted."""
        return WebSocketConnection(self, flow, self.origins)
