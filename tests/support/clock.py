"""A clock that stands still until a test moves it."""

from firmware.clock import Clock


class ManualClock(Clock):
    """Starts at `now` seconds since boot and `wall` unix seconds; `advance` moves both."""

    def __init__(self, now: float = 1000.0, wall: float = 1_800_000_000.0, boot: str = "b0" * 16) -> None:
        super().__init__()
        self._now = now
        self._wall = wall
        self._boot = boot

    def now(self) -> float:
        """Return the seconds since boot this test has arrived at."""
        return self._now

    def wall(self) -> float:
        """Return the time of day this test has arrived at."""
        return self._wall

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
        self._wall += seconds

    def set_wall(self, wall: float) -> None:
        """Let the time of day jump, as a wrong RTC or a first NTP answer does."""
        self._wall = wall
