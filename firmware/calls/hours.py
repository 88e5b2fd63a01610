"""When calls that cost may go out: the hours of the week a site is open, in its own time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from firmware.store.model import Reach

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


class Span(NamedTuple):
    """Part of a day of the week (0: Monday), in minutes from its midnight; `end` is not part of it."""

    day: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Hours:
    """When what is open; `zone` is the site's time zone ("" for UTC), `locked` what is closed off hours."""

    zone: str = ""
    spans: tuple[Span, ...] = ()
    locked: frozenset[Reach] = frozenset()

    def closed(self, reach: Reach, wall: float) -> bool:
        """Tell whether calls of this kind are locked at a time in unix seconds."""
        if reach not in self.locked:
            return False
        local = _local(self.zone, wall)
        minute = local.hour * 60 + local.minute
        return not any(span.day == local.weekday() and span.begin <= minute < span.end for span in self.spans)

    def day(self, wall: float) -> int:
        """Return the number of the site's day at a time in unix seconds."""
        return _local(self.zone, wall).toordinal()


def _local(zone: str, wall: float) -> datetime:
    return datetime.fromtimestamp(wall, _zone(zone) if zone else UTC)


@lru_cache(maxsize=4)
def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)
