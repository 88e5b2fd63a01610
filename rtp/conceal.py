"""Concealment of lost packets in PCM, after ITU-T G.711 Appendix I: the last pitch period goes on, and fades.

Unlike there, sound is not held back for it: the seam at the start is smoothed with what was heard, run
backwards (as spandsp does), the seam at the end by fading over into what arrives. A loss costs some 100
microseconds, a frame that arrives after another almost nothing.
"""

from __future__ import annotations

from array import array

from rtp.audio import audioop

SHORTEST, LONGEST = 5, 15  # ms of a pitch period: 200 to 66 Hz
MATCH = 20  # ms that are compared to find it
FULL = 10  # ms of the first loss that do not fade
SILENT = 60  # ms after which nothing is left
STEP = 5  # ms of one step of the fading
_SEARCH = 8000  # Hz at which the period is looked for


class Conceal:
    """For one stream of PCM at `rate` Hz: `heard` passes what arrives, `lost` makes up what does not."""

    __slots__ = ("_at", "_cycle", "_history", "_keep", "_rate")

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._keep = rate * (MATCH + LONGEST + LONGEST // 2) // 1000 * 2  # bytes
        self._history = b""
        self._cycle = b""  # what is repeated while packets are missing
        self._at = 0  # samples made up in this gap

    def heard(self, pcm: bytes) -> bytes:
        """Return `pcm` that arrived, its start faded in when it comes after a loss."""
        if self._cycle and pcm:
            over = min(len(pcm) // 2, self._rate // 250)  # 4 ms
            pcm = _blend(self._made(over), pcm[: over * 2]) + pcm[over * 2 :]
            self._cycle = b""
            self._at = 0
        self._history = pcm if len(pcm) >= self._keep else self._history[len(pcm) - self._keep :] + pcm
        return pcm

    def lost(self, samples: int) -> bytes:
        """Return `samples` that go on from what was heard, ever softer: silence after SILENT ms."""
        if not self._cycle:
            if len(self._history) < self._keep:
                return bytes(samples * 2)
            self._begin()
        first = self._at == 0
        made = self._made(samples)
        if first:
            over = min(samples, self._rate // 500)  # 2 ms
            backwards = audioop.reverse(self._history[-over * 2 :], 2)
            made = _blend(backwards, made[: over * 2]) + made[over * 2 :]
        self._at += samples
        self._history = made if len(made) >= self._keep else self._history[len(made) - self._keep :] + made
        return made

    def _begin(self) -> None:
        """Cut out the last pitch period and make its end run into its own start."""
        near = self._history
        if self._rate != _SEARCH:
            near = audioop.ratecv(near, 2, 1, self._rate, _SEARCH, None)[0]
        match, longest, shortest = (_SEARCH * ms // 1000 for ms in (MATCH, LONGEST, SHORTEST))
        end = len(near)
        where = near[end - (match + longest) * 2 : end - shortest * 2]
        offset = audioop.findfit(where, near[end - match * 2 :])[0]
        lag = (longest - offset) * self._rate // _SEARCH
        cycle = self._history[-lag * 2 :]
        over = lag // 4
        before = self._history[-(lag + over) * 2 : -lag * 2]
        self._cycle = cycle[: -over * 2] + _blend(cycle[-over * 2 :], before)

    def _made(self, samples: int) -> bytes:
        """Return the next samples of the repeated period at their loudness."""
        cycle = self._cycle
        begin = self._at * 2 % len(cycle)
        size = samples * 2
        sound = (cycle * ((begin + size) // len(cycle) + 1))[begin : begin + size]
        step = self._rate * STEP // 1000
        parts = []
        for start in range(0, samples, step):
            late = (self._at + start) * 1000 // self._rate
            part = sound[start * 2 : (start + step) * 2]
            parts.append(
                part if late < FULL else audioop.mul(part, 2, max(0.0, (SILENT - late) / (SILENT - FULL)))
            )
        return b"".join(parts)


def _blend(old: bytes, new: bytes) -> bytes:
    """Fade from one piece of sound to another of the same length."""
    a, b = array("h", old), array("h", new)
    n = len(a) or 1
    return array(
        "h", [(x * (n - i) + y * i) // n for i, (x, y) in enumerate(zip(a, b, strict=True))]
    ).tobytes()
