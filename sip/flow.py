"""Where a message came from and goes to: one UDP address pair or one stream connection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Transport = Literal["UDP", "TCP", "TLS", "WS", "WSS"]
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Flow:
    """A path messages take (RFC 5626 calls it a flow).

    `local` and `remote` are (IP address, port), IPv6 without brackets. `id` is the number of the connection
    on every stream, never used twice in the life of a process; on UDP it is 0 and `remote` alone tells where
    to send. On a connection we made, `local` is where others reach us, our listening socket if there is one,
    and `peer` the name the far end has proved to have before anything passes (RFC 5922), "" without TLS.
    """

    transport: Transport
    local: Address
    remote: Address
    id: int = 0
    peer: str = ""

    @property
    def reliable(self) -> bool:
        """Whether the transport repeats lost data itself (RFC 3261 17: every stream does)."""
        return self.transport != "UDP"

    def to(self, remote: Address) -> Flow:
        """Return the same socket aimed at another address; meaningful on UDP only."""
        return replace(self, remote=remote)

    def of(self, local: Address) -> Flow:
        """Return the same way with another address of ours."""
        return replace(self, local=local)


def bracketed(host: str) -> str:
    """Return `host` as it stands in a URI or Via: an IPv6 address in brackets (RFC 3261 25.1)."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def network(host: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 of an IPv6 one, which is one customer."""
    if ":" not in host:
        return host
    head, _, tail = host.partition("%")[0].partition("::")
    groups = head.split(":") if head else []
    if "::" in host:
        after = tail.split(":") if tail else []
        groups += ["0"] * (8 - len(groups) - len(after)) + after
    return ":".join(groups[:4])
