"""What the parts of one stack share: the way out, timers, transactions, counters, our own names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sip.flow import Flow, bracketed
from sip.layer import Layer
from sip.message import Message, Request
from sip.timers import Timers

if TYPE_CHECKING:
    from sip.session import Session
    from sip.transaction import Transaction

SDP: Final = "application/sdp"
_WILDCARDS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  # recognised, not bound


def sdp_of(message: Message) -> bytes | None:
    """Return the session description a message carries, None when it carries none."""
    return message.body if message.body and message.content_type == SDP else None


@dataclass(frozen=True, slots=True)
class StackConfig:
    """Bounds and names of one stack.

    `address` is the host to write into Contact and Via when a socket is bound to a wildcard. `supported`
    are the option tags served (RFC 3261 20.37) beyond those of the stack itself. `max_transactions` counts
    what lingers too: a finished call leaves three for 32 s. `session_seconds` is the interval of session
    timers we like (RFC 4028; 0: only if the far end asks), `shortest_session` the shortest we bear.
    """

    address: str = ""
    supported: tuple[str, ...] = ()
    max_transactions: int = 50_000
    max_sessions: int = 4_000
    retry_after: int = 5
    session_seconds: int = 1800
    shortest_session: int = 90


_PARAMETERS: Final = {"UDP": "", "WSS": ";transport=ws"}
"""What a Contact of ours says of a transport where that is not its own name (RFC 7118 5.2)."""


class Core:
    """Shared by the stack and its sessions; holds no protocol of its own."""

    __slots__ = (
        "_contacts", "allow", "config", "counters", "layer", "random", "send", "sessions",
        "supported", "timers",
    )  # fmt: skip

    def __init__(
        self, send: Callable[[Flow, bytes], bool], config: StackConfig, random: Callable[[int], bytes]
    ) -> None:
        """Take the way out, the bounds and the source of randomness."""
        self.send = send
        self.config = config
        self.random = random
        self.counters: defaultdict[str, int] = defaultdict(int)
        self.timers = Timers()
        self.layer = Layer(send, self.timers, random, self.count, config.max_transactions)
        self.sessions: dict[str, Session] = {}
        self.allow = ""
        self.supported: tuple[str, ...] = ()
        self._contacts: dict[tuple[str, tuple[str, int]], str] = {}

    def count(self, name: str) -> None:
        """Add one to a counter."""
        self.counters[name] += 1

    def tag(self) -> str:
        """Return a tag nobody can guess (RFC 3261 19.3)."""
        return self.random(8).hex()

    def below(self, limit: int) -> int:
        """Return a random whole number from 0 to `limit` - 1; even enough for back-off times."""
        return int.from_bytes(self.random(4), "big") % limit

    def host(self, flow: Flow) -> str:
        """Return the host we are known by on `flow`."""
        host = flow.local[0]
        return self.config.address or host if host in _WILDCARDS else host

    def via(self, flow: Flow) -> str:
        """Return a Via with a new branch for a request on `flow`."""
        return self.layer.via(flow, self.host(flow))

    def contact(self, flow: Flow) -> str:
        """Return our Contact on `flow`: where requests within a dialog reach us."""
        key = (flow.transport, flow.local)
        contact = self._contacts.get(key)
        if contact is None:
            if len(self._contacts) > 64:
                self._contacts.clear()
            transport = _PARAMETERS.get(flow.transport, f";transport={flow.transport.lower()}")
            contact = f"<sip:{bracketed(self.host(flow))}:{flow.local[1]}{transport}>"
            self._contacts[key] = contact
        return contact

    def reply(
        self,
        transaction: Transaction,
        request: Request,
        status: int,
        now: float,
        *,
        tag: str = "",
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        reason: str | None = None,
    ) -> bytes:
        """Answer `request` through its transaction and return the bytes of the answer."""
        data = request.answer(status, reason, to_tag=tag, headers=headers, body=body)
        self.layer.respond(transaction, status, data, now)
        return data
