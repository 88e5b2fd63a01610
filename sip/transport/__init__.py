"""The sockets of the SIP stack: the only modules in `sip/` with a window to the outside."""

from __future__ import annotations

from sip.transport.transports import BindError, Transports

__all__ = ["BindError", "Transports"]
