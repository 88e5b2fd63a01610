"""Statistics that outlive the process that counted: what was seen before is added to what is seen now."""

from __future__ import annotations

from rtp.control import FAR, Statistics

COUNTED = (
    "bad",
    "forbidden",
    "foreign",
    "lost",
    "octets",
    "packets",
    "reports",
    "rtcp",
    "sent",
    "undelivered",
)
NEWEST = frozenset({"jitter", *FAR}) - set(COUNTED)


def joined(before: Statistics | None, now: Statistics) -> Statistics:
    """Return what both saw of one row: counts added, of measures the newest there is."""
    if before is None:
        return now
    numbers = {name: getattr(now, name) for name in Statistics.__slots__}
    numbers |= {name: numbers[name] + getattr(before, name) for name in COUNTED}
    numbers |= {name: numbers[name] or getattr(before, name) for name in NEWEST}
    return Statistics(**numbers)


class Tally:
    """What is known of one port: `before` by processes that are gone, `newest` by the one there is."""

    __slots__ = ("before", "newest")

    def __init__(self) -> None:
        self.before: Statistics | None = None
        self.newest: Statistics | None = None

    def take(self, told: Statistics) -> Statistics:
        """Note what the process says; return it with what was before."""
        self.newest = told
        return joined(self.before, told)

    def lost(self) -> None:
        """Note that who counted is gone: its last word stays."""
        if self.newest is not None:
            self.before, self.newest = joined(self.before, self.newest), None

    @property
    def all(self) -> Statistics | None:
        """Everything known, None before the first word."""
        return self.before if self.newest is None else joined(self.before, self.newest)
