"""Orders about rooms on their way to the media process: they wait for room, in their order."""

from collections import deque
from collections.abc import Callable, Sequence

from rtp import control

MOST = 1000  # orders that wait; more are dropped


class Waiting:
    """The orders not sent yet, each with the descriptors that go with it."""

    __slots__ = ("_all",)

    def __init__(self) -> None:
        self._all: deque[tuple[control.Message, tuple[int, ...]]] = deque()

    def put(self, message: control.Message, descriptors: tuple[int, ...]) -> None:
        """Have one wait."""
        if len(self._all) < MOST:
            self._all.append((message, descriptors))

    def send(self, send: Callable[[bytes, Sequence[int]], bool]) -> bool:
        """Send them one by one, False as soon as `send` finds no room; raises what it raises."""
        while self._all:
            message, descriptors = self._all[0]
            if not all(send(each, descriptors) for each in control.encode([message])):
                return False
            self._all.popleft()
        return True

    def clear(self) -> None:
        """Forget them."""
        self._all.clear()
