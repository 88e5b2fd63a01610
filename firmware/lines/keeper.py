"""Keeping the way open to phones behind address translation, which is forgotten without traffic.

A phone on UDP whose Contact is not where its REGISTER came from is asked OPTIONS every `PERIOD` seconds: its
answer goes out through the translator, which is what makes any of them remember (RFC 4787 4.3, REQ-6). A
phone that does outbound (RFC 5626) keeps its flow itself, a connection needs none of this, and phones of the
local network are left in peace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from zlib import crc32

from sip.message import Response
from sip.nameaddr import NameAddr
from sip.registrar import Binding
from sip.stack import Stack
from sip.uri import SipUri

PERIOD = 25
"""Seconds between two keep-alives of one phone, in steps of one second so that not all are sent at once."""


class Keeper:
    """Asks every phone that needs it; a timer runs only while there is one.

    `lookup` gives the bindings of an extension (its id) at a time.
    """

    def __init__(
        self, stack: Stack, lookup: Callable[[str, float], list[Binding]], now: Callable[[], float]
    ) -> None:
        self._stack = stack
        self._lookup = lookup
        self._now = now
        self._turns: list[set[str]] = [set() for _ in range(PERIOD)]
        self._asked: set[tuple[str, tuple[str, int]]] = set()
        self._turn = 0
        self._timer: asyncio.TimerHandle | None = None

    def note(self, extension: str) -> None:
        """Hear that the phones of an extension changed."""
        turn = self._turns[crc32(extension.encode()) % PERIOD]
        if any(map(needed, self._lookup(extension, self._now()))):
            turn.add(extension)
        else:
            turn.discard(extension)
        if self._timer is None and any(self._turns):
            self._later()

    def stop(self) -> None:
        """Ask nobody any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(1.0, self._next)

    def _next(self) -> None:
        self._timer = None
        self._turn = (self._turn + 1) % PERIOD
        for extension in tuple(self._turns[self._turn]):
            self._keep(extension)
        if any(self._turns):
            self._later()

    def _keep(self, extension: str) -> None:
        now = self._now()
        bindings = [binding for binding in self._lookup(extension, now) if needed(binding)]
        if not bindings:
            self._turns[self._turn].discard(extension)
        for binding in bindings:
            key = (binding.uri, binding.flow.remote)
            if key not in self._asked:  # else it is still being asked, every four seconds at least
                self._asked.add(key)
                self._ask(binding, key, now)

    def _ask(self, binding: Binding, key: tuple[str, tuple[str, int]], now: float) -> None:
        me = str(NameAddr(SipUri(host=self._stack.host(binding.flow))))

        def done(_: Response | None) -> None:
            self._asked.discard(key)  # whatever it says; who is gone is told by the end of its registration

        self._stack.request(
            "OPTIONS", binding.uri, binding.flow, caller=me, callee=f"<{binding.uri}>", now=now, done=done
        )


def needed(binding: Binding) -> bool:
    """Tell whether a phone is behind address translation, and nobody else does anything about it."""
    if binding.flow.transport != "UDP" or all(binding.instance) or binding.path:
        return False
    return bool(binding.contact.uri.host != binding.flow.remote[0])
