"""PCM at another rate: 8000, 16000, 24000, 32000 and 48000 Hz, by whole factors.

`audioop.ratecv` draws straight lines between samples, which folds what does not fit the lower rate back into
speech. Here a windowed-sinc filter, a Nyquist one (every M-th value of it is zero), is computed by the C
functions of audioop on a whole frame at once: some operations for each value of the filter, none for each
sample.
"""

from __future__ import annotations

from math import cos, pi, sin

from rtp.audio import audioop
from rtp.codec import CodecError

HALF = 12  # zero crossings of the sinc on each side: the delay, in samples of the lower rate
SHORT = 5  # the same where the sound fills only a part of the lower rate's band
_HEADROOM = 0.25


class Resampler:
    """From one rate to another; remembers the end of what it was given. CodecError for rates it has not."""

    __slots__ = ("_stages",)

    def __init__(self, from_rate: int, to_rate: int) -> None:
        low, high = min(from_rate, to_rate), max(from_rate, to_rate)
        if low <= 0 or high % low or high // low not in {1, 2, 3, 4, 6}:
            raise CodecError(f"no way from {from_rate} to {to_rate} samples a second")
        factors = {1: [], 2: [2], 3: [3], 4: [2, 2], 6: [2, 3]}[high // low]
        steps = [(factor, SHORT if place else HALF) for place, factor in enumerate(factors)]
        self._stages: list[_Up | _Down] = (
            [_Up(*step) for step in steps]
            if to_rate > from_rate
            else [_Down(*step) for step in reversed(steps)]
        )

    def __call__(self, pcm: bytes) -> bytes:
        """Return the same sound at the other rate; frames of 20 ms in give frames of 20 ms out."""
        for stage in self._stages:
            pcm = stage(pcm)
        return pcm


class _Up:
    """M samples for each one."""

    __slots__ = ("_factor", "_filter", "_tail")

    def __init__(self, factor: int, half: int) -> None:
        self._factor = factor
        self._filter = _sinc(factor, half)
        self._tail = bytes(2 * half * 4)

    def __call__(self, pcm: bytes) -> bytes:
        count, factor = len(pcm) // 2, self._factor
        wide = self._tail + _widen(pcm)
        self._tail = wide[len(wide) - len(self._tail) :]
        out = memoryview(bytearray(count * factor * 2)).cast("h")
        for phase in range(factor):
            total = b""
            for at in range(phase, len(self._filter), factor):
                weight = self._filter[at] * factor
                if weight:
                    start = len(self._tail) - at // factor * 4
                    part = audioop.mul(wide[start : start + count * 4], 4, weight)
                    total = audioop.add(total, part, 4) if total else part
            out[phase::factor] = memoryview(_narrow(total)).cast("h")
        return out.tobytes()


class _Down:
    """One sample for each M; what does not fill one waits for the next call."""

    __slots__ = ("_factor", "_filter", "_tail")

    def __init__(self, factor: int, half: int) -> None:
        self._factor = factor
        self._filter = _sinc(factor, half)
        self._tail = bytes((len(self._filter) - 1) * 4)

    def __call__(self, pcm: bytes) -> bytes:
        factor, last = self._factor, len(self._filter) - 1
        wide = self._tail + _widen(pcm)
        count = max(0, (len(wide) // 4 - last) // factor)
        self._tail = wide[count * factor * 4 :]
        samples = memoryview(wide).cast("i")
        phases = [samples[phase::factor].tobytes() for phase in range(factor)]

        def part(at: int) -> bytes:
            start = at // factor * 4
            return phases[at % factor][start : start + count * 4]

        total = audioop.mul(part(last // 2), 4, self._filter[last // 2])
        for at in range(last // 2):  # the filter is the same from both ends
            weight = self._filter[at]
            if weight:
                pair = audioop.add(part(at), part(last - at), 4)
                total = audioop.add(total, audioop.mul(pair, 4, weight), 4)
        return _narrow(total)


def _widen(pcm: bytes) -> bytes:
    return audioop.mul(audioop.lin2lin(pcm, 2, 4), 4, _HEADROOM)


def _narrow(wide: bytes) -> bytes:
    return audioop.lin2lin(audioop.mul(wide, 4, 1 / _HEADROOM), 4, 2)


def _sinc(factor: int, crossings: int) -> list[float]:
    """Return a Nyquist low-pass for one M-th of the band, Blackman-windowed, of sum 1."""
    half = crossings * factor
    values = []
    for at in range(-half, half + 1):
        x = at / factor
        window = 0.42 + 0.5 * cos(pi * at / half) + 0.08 * cos(2 * pi * at / half)
        values.append(window * (sin(pi * x) / (pi * x)) if at % factor else float(at == 0))
    total = sum(values)
    return [value / total for value in values]
