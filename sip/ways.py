"""Other ways to a far end than the flow a request was meant for (RFC 3261 18.1.1).

A request too large for a datagram that no path breaks in two goes over TCP where the far end may take that,
and over UDP after all if it does not. A request for a connection of ours that is gone goes over a new one to
the same far end. What knows about sockets stands behind `Ways`.
"""

from __future__ import annotations

from typing import Final, Protocol

from sip.flow import Flow
from sip.message import Request

LARGE: Final = 1300
"""Octets from which on a request goes over TCP (18.1.1, with an unknown path MTU)."""


class Ways(Protocol):
    """What the transports can do beside sending on a flow."""

    def instead(self, flow: Flow) -> Flow | None:
        """Return a TCP flow to the far end of a UDP flow, for a large request; None: UDP it is."""

    def refused(self, flow: Flow) -> None:
        """Hear that nobody answered on a flow `instead` gave."""

    def again(self, flow: Flow) -> Flow:
        """Return a connection's flow, or a new one to the same far end if it was ours and is gone."""


def take(request: Request, flow: Flow) -> None:
    """Have the top Via of a request of ours say that it goes by `flow` (18.1.1); the branch stays."""
    via = request.all("Via")[0]
    sent_by, _, params = via.partition(";")
    host = sent_by.rpartition(" ")[2].rpartition(":")[0]
    request.replace_first("Via", f"SIP/2.0/{flow.transport} {host}:{flow.local[1]};{params}")
