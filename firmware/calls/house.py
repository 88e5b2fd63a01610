"""What a call finds in the house: phones, media, the journal, the clock, the site's settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from firmware.calls.leg import Description, Dialer
from firmware.clock import Clock
from firmware.journal import Journal

Side = Literal["caller", "callee"]


class NoPorts(Exception):  # noqa: N818 - a state of the house
    """Every media port is taken."""


class NotAcceptable(Exception):  # noqa: N818 - RFC 3261 calls it so
    """A description that makes no sense, or has nothing the other side could use."""


class Bridge(Protocol):
    """The media of one call; `firmware.media.Bridge` is one."""

    def offer(self, side: Side, description: Description) -> Description:
        """Take the offer of one side, return the one for the other. Nothing changes until it is answered."""

    def answer(self, side: Side, description: Description) -> Description:
        """Take the answer of one side, return the answer for the other, and let media flow like that."""

    def close(self) -> None:
        """Stop media and free the ports. Idempotent."""


class Media(Protocol):
    """Where bridges come from; `firmware.media.Media` is one."""

    def open(self, lost: Callable[[], None]) -> Bridge:
        """Take ports. `lost` is called when a side that should send has been silent too long."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The site's word on calls. A running call keeps the one it started with."""

    ring_seconds: float = 30.0
    max_calls: int = 200


@dataclass(slots=True)
class House:
    """All of it together, one object for every call."""

    dialer: Dialer
    media: Media
    journal: Journal
    clock: Clock
    settings: Settings
