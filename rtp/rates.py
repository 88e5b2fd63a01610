"""Sound of one sampling rate at another, for rooms whose parties differ."""

from __future__ import annotations

from rtp.audio import audioop

TYPE_CHECKING = False
if TYPE_CHECKING:
    State = tuple[int, tuple[tuple[int, int], ...]]


class Converter:
    """Turns frames of whatever rate into frames of whatever other, remembering where the wave stood."""

    __slots__ = ("_rates", "_state")

    def __init__(self) -> None:
        self._rates = (0, 0)
        self._state: State | None = None

    def __call__(self, frame: bytes, rate: int, to: int) -> bytes:
        """Return a frame of `rate` Hz as one of `to` Hz; 20 ms stay 20 ms."""
        if rate == to:
            return frame
        if self._rates != (rate, to):
            self._rates, self._state = (rate, to), None
        made, self._state = audioop.ratecv(frame, 2, 1, rate, to, self._state)
        size = len(frame) * to // rate & ~1
        return made[:size] if len(made) >= size else made + made[-2:] * ((size - len(made)) // 2)
