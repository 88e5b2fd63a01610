"""An event loop whose time jumps to the next deadline as soon as everything waits (as trio's MockClock does).

`run(main())` is `asyncio.run` in virtual time, and stricter: a program that waits for nothing that could ever
happen, leaves a task behind or drops an exception fails.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from firmware.clock import Clock

T = TypeVar("T")


class DeadlockError(AssertionError):
    """Every task waits, and no timer will ever fire."""


class _Selector(selectors.BaseSelector):
    """Looks at real descriptors without waiting; waiting moves the virtual clock."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now = 0.0
        self.resting: list[asyncio.Future[None]] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or timeout == 0:
            return ready
        if self.resting:
            for waiter in self.resting:
                if not waiter.done():
                    waiter.set_result(None)
            self.resting.clear()
            return ready
        if timeout is None:
            raise DeadlockError("every task waits for something that will never happen")
        self.now += timeout
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Starts at 0; `time()` moves only when nothing is left to do now."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        self.dropped: list[str] = []
        super().__init__(self._virtual)
        self.set_exception_handler(lambda _, context: self.dropped.append(describe(context)))

    def time(self) -> float:
        return self._virtual.now

    def at_rest(self) -> asyncio.Future[None]:
        """Return a future that is done when nothing can happen any more without time passing."""
        waiter = self.create_future()
        self._virtual.resting.append(waiter)
        return waiter


class VirtualClock(Clock):
    """The firmware's clock, driven by the running loop."""

    def __init__(self, *, boot: float = 1000.0, wall: float = 1_800_000_000.0) -> None:
        super().__init__()
        self._boot = "b0" * 16
        self._start, self._wall = boot, wall

    def now(self) -> float:
        return self._start + asyncio.get_running_loop().time()

    def wall(self) -> float:
        return self._wall + asyncio.get_running_loop().time()


def describe(context: dict[str, Any]) -> str:
    """Return what the loop has to say about an exception nobody took."""
    return f"{context.get('message')}: {context.get('exception')!r}"


async def settle() -> None:
    """Let everything happen that can happen without time passing."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    await loop.at_rest()


def run(main: Coroutine[Any, Any, T], loop: VirtualTimeLoop | None = None) -> T:
    """Run in virtual time. Fails on tasks left behind and on exceptions nobody took."""
    loop = loop or VirtualTimeLoop()
    asyncio.set_event_loop(loop)
    try:
        result = loop.run_until_complete(main)
        left = [task for task in asyncio.all_tasks(loop) if not task.done()]
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        assert not left, f"left behind: {[task.get_coro() for task in left]}"
        assert not loop.dropped, loop.dropped
        return result
    finally:
        asyncio.set_event_loop(None)
        loop.close()
