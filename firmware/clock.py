"""The only source of time inside `firmware/`.

Two times exist. `now()` counts seconds since boot, also while the machine sleeps, and never jumps: all
durations and deadlines use it. `wall()` is the time of day in unix seconds (UTC) and may be wrong or jump:
it is for people and for retention. What is stored carries both, and `boot()` tells which boot `now()` counts
from.
"""

import os
import time

_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BOOT_ID = "/proc/sys/kernel/random/boot_id"


class Clock:
    """The machine's clock."""

    def __init__(self) -> None:
        self._boot = ""

    def now(self) -> float:
        """Return seconds since boot; never jumps, goes on while the machine sleeps."""
        return time.clock_gettime(_SINCE_BOOT)

    def wall(self) -> float:
        """Return the time of day as unix seconds, UTC."""
        return time.time()

    def boot(self) -> str:
        """Return the id of this boot, 32 hex digits, random where the kernel does not tell."""
        if not self._boot:
            try:
                with open(_BOOT_ID, encoding="ascii") as file:
                    self._boot = file.read().strip().replace("-", "")
            except OSError:
                self._boot = os.urandom(16).hex()
        return self._boot


def utc(wall: float) -> str:
    """Print unix seconds as `2026-01-31T12:03:04.125Z`."""
    whole, thousandths = divmod(round(wall * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{thousandths:03d}Z"


def local_time(wall: float) -> str:
    """Print unix seconds as this place's time of day, `12:03:04.125`."""
    whole, thousandths = divmod(round(wall * 1000), 1000)
    return f"{time.strftime('%H:%M:%S', time.localtime(whole))}.{thousandths:03d}"


def local_moment(wall: float) -> str:
    """Print unix seconds as this place's date and time of day, `2026-01-31 12:03:04`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))
