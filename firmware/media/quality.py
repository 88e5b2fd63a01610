"""How good a call was, each way, from what the media process counted and what the phones reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware.media.side import SIDES, Side
from rtp import control
from rtp.emodel import CODECS, CONCEALED, Path, mos, mouth_to_ear, rating

if TYPE_CHECKING:
    from rtp.control import Statistics

ALIVE = 1500  # milliseconds; who was heard within them talks


@dataclass(frozen=True, slots=True)
class Far:
    """One side of a call: its RTP clock, what it sends, whether the box made what it hears.

    `quiet`: how often it was not heard while the other was.
    """

    clock: int = 8000
    codec: str = ""
    made: bool = False
    quiet: int = 0


@dataclass(frozen=True, slots=True)
class Quality:
    """One direction of a call, named by who speaks. Times in milliseconds.

    `packets` came from the speaker; `lost` did not reach the hearer, as the hearer reports, or did not reach
    us, when it reports nothing. `jitter` likewise. `round_trip`: from phone to phone and back, None where
    they did not tell. `mos`: what the E-model makes of it. `quiet`: how often the speaker was not heard
    while the other side was.
    """

    codec: str
    packets: int
    lost: int
    jitter: float
    round_trip: float | None
    mos: float
    quiet: int


def judge(speaker: Far, said: Statistics, hearer: Far, heard: Statistics) -> Quality | None:
    """Return the quality of what one side said to the other, by the counts of both; None: it said nothing."""
    if not said.packets:
        return None
    if not heard.reports:
        lost, jitter = said.lost, said.jitter * 1000 / speaker.clock
    else:  # what the box made anew is counted anew by who hears it
        lost = heard.far_lost + (said.lost if hearer.made else 0)
        jitter = heard.far_jitter * 1000 / hearer.clock
    trip = (said.round_trip + heard.round_trip) / 1000 if said.round_trip and heard.round_trip else None
    expected = said.packets + said.lost
    loss = min(1.0, lost / expected + heard.far_discard / 256)
    path = Path(loss, mouth_to_ear((trip or 0.0) / 2, jitter, heard.far_delay))
    rated = rating(path, CODECS.get(speaker.codec, CONCEALED))
    return Quality(speaker.codec, said.packets, lost, jitter, trip, mos(rated), speaker.quiet)


def one_way(suspect: Statistics, other: Statistics) -> bool:
    """Tell whether one side has not been heard for long while the other talks."""
    return suspect.idle >= control.QUIET * 1000 and other.idle < ALIVE


def conclude(fars: list[Far], counted: list[Statistics | None]) -> dict[Side, Quality] | None:
    """Return how good a call was for each side it can be told of, the caller first; None without counts."""
    if counted[0] is None or counted[1] is None:
        return None
    caller, callee = (fars[0], counted[0]), (fars[1], counted[1])
    found = zip(SIDES, (judge(*caller, *callee), judge(*callee, *caller)), strict=True)
    return {side: one for side, one in found if one is not None}
