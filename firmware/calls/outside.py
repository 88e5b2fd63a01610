"""What call control knows of the lines to the outside (trunks, exchange lines); `firmware.lines` has them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from firmware.calls.leg import Diversion, Leg
from firmware.media import Offers


@dataclass(frozen=True, slots=True)
class CallerId:
    """Who an outside line is told is calling. `number` is E.164 with its +, or "" for the line's own.

    `private`: whoever is called is not told (RFC 3323, 3325); the carrier may be.
    """

    number: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    private: bool = False


class Line(Protocol):
    """A way to the outside that carries several calls at once."""

    @property
    def name(self) -> str:
        """Its name in the site file: stable, unique, safe to journal."""

    @property
    def up(self) -> bool:
        """Whether it is worth trying now (registered, answering). An emergency call may try it anyway."""

    @property
    def most(self) -> int:
        """How many calls it carries at once."""

    def dial(
        self,
        number: str,
        caller: CallerId,
        offers: Offers | None,
        diversions: Sequence[Diversion] = (),
    ) -> Leg:
        """Call a number: E.164 with its +, or a short one (an emergency number) exactly as it is dialled.

        The line writes it as its carrier wants it. A line that failed, not the person called, ends the leg
        with `Cause.NO_LINE`: the next line may be tried.
        """


class Lines(Protocol):
    """All lines to the outside."""

    def lines(self) -> Sequence[Line]:
        """Return them in the order they are to be tried."""
