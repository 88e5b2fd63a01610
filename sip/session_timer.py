"""Session timers (RFC 4028): a session whose far end has vanished ends by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Self

from sip.message import Message
from sip.reliable import listed

if TYPE_CHECKING:
    from sip.credentials import Headers
    from sip.timers import Callback, Timer, Timers

TAG: Final = "timer"
"""The option tag (section 4)."""
SHORTEST: Final = 90
"""Seconds: no session interval may be shorter, and Min-SE when it is not said (section 5)."""
MARGIN: Final = 32.0
"""Seconds before the end of the interval at which the session is given up, at most (section 10)."""
AGAIN: Final = 10.0
"""Seconds after which a refresh that was refused for a passing reason is tried again, at most."""
_LARGEST: Final = 2**32 - 1


class SessionExpires(NamedTuple):
    """The header: seconds, and who refreshes: "uac" or "uas" of the request, "" when that is left open."""

    seconds: int
    refresher: str = ""

    @classmethod
    def of(cls, message: Message) -> Self | None:
        """Return what a message says, None when it says nothing that could be read."""
        value, _, parameters = (message.get("Session-Expires") or "").partition(";")
        seconds = _seconds(value)
        if seconds is None:
            return None
        refresher = ""
        for parameter in parameters.split(";"):
            name, _, who = (part.strip().lower() for part in parameter.partition("="))
            if name == "refresher" and who in {"uac", "uas"}:
                refresher = who
        return cls(seconds, refresher)

    def __str__(self) -> str:
        return f"{self.seconds};refresher={self.refresher}" if self.refresher else str(self.seconds)


def min_se(message: Message) -> int:
    """Return the shortest interval a message allows, in seconds."""
    return max(_seconds((message.get("Min-SE") or "").partition(";")[0]) or 0, SHORTEST)


def too_short(request: Message, shortest: int) -> bool:
    """Whether a request wants to be refused with 422: the interval is too short, and it knows of that."""
    asked = SessionExpires.of(request)
    return asked is not None and asked.seconds < shortest and listed(request, "Supported", TAG)


def grant(request: Message, *, usual: int, shortest: int, ours: bool | None) -> SessionExpires | None:
    """Decide the interval of a session at the 2xx to `request` (section 9); None: without a timer.

    `usual` is what we like best (0: none unless asked), `shortest` what we bear, `ours` whether we refresh so
    far, None when nobody does.
    """
    asked = SessionExpires.of(request)
    known = listed(request, "Supported", TAG)
    if asked is None:
        if not known or not usual:
            return None
        asked = SessionExpires(usual)
    elif asked.seconds < shortest:
        return None
    seconds = max(min(asked.seconds, usual or asked.seconds), min_se(request))
    if not known:
        return SessionExpires(seconds, "uas")  # asked for by a proxy on the way: only we can refresh
    return SessionExpires(seconds, asked.refresher or ("uas" if ours else "uac"))


class SessionTimer:
    """The timer of one session: `refresh` at half the interval if that is `ours`, `expire` at its end."""

    __slots__ = ("_end", "_expire", "_next", "_refresh", "_timers", "minimum", "ours", "seconds")

    def __init__(self, timers: Timers, refresh: Callback, expire: Callback) -> None:
        self._timers = timers
        self._refresh = refresh
        self._expire = expire
        self._next: Timer | None = None
        self._end: Timer | None = None
        self.seconds = 0
        self.ours = False
        self.minimum = SHORTEST

    def start(self, seconds: int, now: float, *, ours: bool) -> None:
        """Begin an interval anew."""
        self.stop()
        self.seconds, self.ours = seconds, ours
        if ours:
            self._next = self._timers.after(seconds / 2, self._refresh, now)
        self._end = self._timers.after(seconds - min(MARGIN, seconds / 3), self._expire, now)

    def again(self, now: float) -> None:
        """Try to refresh once more before the end."""
        if self.seconds:
            if self._next is not None:  # a change of ours, answered meanwhile, has begun the interval anew
                self._timers.cancel(self._next)
            self._next = self._timers.after(min(AGAIN, self.seconds / 10), self._refresh, now)

    def stop(self) -> None:
        """Let the session live for ever."""
        self.seconds = 0
        for timer in (self._next, self._end):
            if timer is not None:
                self._timers.cancel(timer)
        self._next = self._end = None

    def raise_to(self, minimum: int) -> bool:
        """Take a 422; False when that asks for no more than we did, and so would never end."""
        if minimum <= max(self.seconds, self.minimum):
            return False
        self.seconds = self.minimum = minimum
        return True

    def headers(self) -> Headers:
        """Return what a request of ours says that refreshes the session (section 7.4)."""
        if not self.seconds:
            return ()
        expires = SessionExpires(self.seconds, "uac" if self.ours else "uas")
        lower = (("Min-SE", str(self.minimum)),) if self.minimum > SHORTEST else ()
        return (("Session-Expires", str(expires)), *lower)


def _seconds(text: str) -> int | None:
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        return None
    return min(int(text), _LARGEST)
