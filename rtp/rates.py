"""Sound of one sampling rate at another, where both may change: rooms whose parties come and go."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rtp.resample import Resampler


class Converter:
    """Turns frames of whatever rate into frames of whatever other; loads nothing while both are the same."""

    __slots__ = ("_made", "_rates")

    def __init__(self) -> None:
        self._rates = (0, 0)
        self._made: Resampler | None = None

    def __call__(self, frame: bytes, rate: int, to: int) -> bytes:
        """Return a frame of `rate` Hz as one of `to` Hz; 20 ms stay 20 ms."""
        if rate == to:
            return frame
        if self._made is None or self._rates != (rate, to):
            from rtp.resample import Resampler

            self._rates, self._made = (rate, to), Resampler(rate, to)
        return self._made(frame)
