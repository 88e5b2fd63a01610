"""MESSAGE: a short text on the display of a phone (RFC 3428)."""

from __future__ import annotations

from collections.abc import Iterable

from sip.message import Response
from sip.nameaddr import NameAddr
from sip.registrar import Binding
from sip.stack import Stack
from sip.uri import SipUri


def send_text(stack: Stack, bindings: Iterable[Binding], number: str, text: str, now: float) -> int:
    """Show a text on every phone of an extension, asked once each; return how many there are."""
    sent = 0
    for binding in bindings:
        host = stack.host(binding.flow)
        stack.request(
            "MESSAGE",
            str(binding.uri),
            binding.flow,
            caller=str(NameAddr(SipUri(user="emergency", host=host), "Emergency")),
            callee=str(NameAddr(SipUri(user=number, host=host))),
            now=now,
            done=_forget,
            headers=(
                *binding.routes,
                ("Content-Type", "text/plain;charset=UTF-8"),
            ),
            body=text.encode(),
        )
        sent += 1
    return sent


def _forget(_: Response | None) -> None:
    """Do nothing: a phone that shows no texts refuses, and the journal has the alarm anyway."""
