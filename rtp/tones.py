"""Tones from numbers: dial, busy, ringback, information tones, DTMF; whoever asks brings the numbers.

A plan is written as countries publish theirs, one part after the other: `"440+480/2000,0/4000"` is 2 s of
both frequencies and 4 s of silence, over and over; a part without a length never ends, and parts with a `!`
before them are played once before the rest (`"!950/330,!1400/330,!1800/330,0/1000"`). The loudness is of each
frequency, in dBm0.
"""

from __future__ import annotations

from array import array
from math import gcd, pi, sin

LEVEL = -13.0  # dBm0 of each frequency unless the caller says otherwise
FULL = 3.14  # dBm0 of a sine that fills 16 bits: what the A-law of ITU-T G.711 carries at most
LONGEST = 60_000  # ms of one part
MOST = 32  # parts of a plan
_KEPT = 64  # seconds of sound that are kept made

_made: dict[tuple[tuple[int, ...], int, float], bytes] = {}


class ToneError(Exception):
    """What is no plan of tones; `why` is one line."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def second(frequencies: tuple[int, ...], rate: int, level: float = LEVEL) -> bytes:
    """Return one second of frequencies in whole Hz, so that seconds follow each other without a seam."""
    key = (frequencies, rate, level)
    if key not in _made:
        while len(_made) >= _KEPT:
            del _made[next(iter(_made))]
        size = 32767 * 10 ** ((level - FULL) / 20)
        size = min(size, 32767 / max(1, len(frequencies)))
        times = gcd(rate, *frequencies)  # whole periods of all of them in a second
        step = 2 * pi * times / rate
        waves = [[sin(step * (i * (f // times))) for i in range(rate // times)] for f in frequencies]
        period = array("h", [round(size * sum(values)) for values in zip(*waves, strict=True)])
        _made[key] = period.tobytes() * times
    return _made[key]


def _frequencies(text: str, place: int) -> tuple[int, ...]:
    words = text.split("+")
    if not all(word.isascii() and word.isdigit() and len(word) <= 4 for word in words):
        raise ToneError(f"part {place} of the tone has no frequencies in Hz, such as 425 or 350+440")
    frequencies = tuple(int(word) for word in words if int(word))
    if any(not 20 <= one <= 3800 for one in frequencies) or len(frequencies) > 4:
        raise ToneError(f"part {place} of the tone: up to four frequencies of 20 to 3800 Hz")
    return frequencies


class Plan:
    """A plan of tones as a value; `str(Plan.parse(text))` gives it back."""

    __slots__ = ("again", "once")

    def __init__(
        self,
        again: tuple[tuple[tuple[int, ...], int], ...],
        once: tuple[tuple[tuple[int, ...], int], ...] = (),
    ) -> None:
        """`again` and `once` are parts: frequencies, and ms or 0 for a part that never ends."""
        self.again = again
        self.once = once

    @classmethod
    def parse(cls, text: str) -> Plan:
        """Read a plan; raises ToneError."""
        once: list[tuple[tuple[int, ...], int]] = []
        again: list[tuple[tuple[int, ...], int]] = []
        parts = text.split(",")
        if len(parts) > MOST:
            raise ToneError(f"a plan of tones has at most {MOST} parts")
        for place, part in enumerate(parts, 1):
            single = part.strip().startswith("!")
            sound, _, length = part.strip().removeprefix("!").partition("/")
            frequencies = _frequencies(sound, place)
            if length and not (length.isascii() and length.isdigit() and 0 < int(length[:9]) <= LONGEST):
                raise ToneError(f"part {place} of the tone: its length is 1 to {LONGEST} ms")
            if not length and (single or place < len(parts)):
                raise ToneError(f"part {place} of the tone never ends, but is not the last")
            if single and again:
                raise ToneError(f"part {place} of the tone is played once, but follows one that is repeated")
            (once if single else again).append((frequencies, int(length or 0)))
        return cls(tuple(again), tuple(once))

    def __str__(self) -> str:
        marked = [("!", *part) for part in self.once] + [("", *part) for part in self.again]
        return ",".join(
            mark + ("+".join(map(str, frequencies)) or "0") + (f"/{length}" if length else "")
            for mark, frequencies, length in marked
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and (self.once, self.again) == (other.once, other.again)

    def __hash__(self) -> int:
        return hash((self.once, self.again))


class Tone:
    """One plan being played at `rate`: `read` gives as much PCM as is asked for, less only where it ends."""

    __slots__ = ("_at", "_level", "_part", "_plan", "_rate")

    def __init__(self, plan: Plan, rate: int = 8000, level: float = LEVEL) -> None:
        self._plan = plan
        self._rate = rate
        self._level = level
        self._part = 0
        self._at = 0  # samples into the part

    def read(self, samples: int) -> bytes:
        """Return the next samples; fewer than asked for, at last none, when a plan has come to its end."""
        pieces = []
        while samples > 0:
            once, again = self._plan.once, self._plan.again
            if self._part < len(once):
                frequencies, length = once[self._part]
            elif again:
                frequencies, length = again[(self._part - len(once)) % len(again)]
            else:
                break
            left = length * self._rate // 1000 - self._at if length else samples
            count = min(left, samples, self._rate)
            if frequencies:
                sound = second(frequencies, self._rate, self._level)
                start = self._at % self._rate * 2
                pieces.append((sound + sound)[start : start + count * 2])
            else:
                pieces.append(bytes(count * 2))
            samples -= count
            self._at += count
            if length and count == left:
                self._part += 1
                self._at = 0
                if self._part >= len(once) + 2 * len(again):
                    self._part -= len(again)  # two rounds and one round sound the same
        return b"".join(pieces)
