"""Plant an exception or a cancellation at the n-th await of chosen coroutines.

`Injector` is a task factory: it wraps the tasks it is told to and counts their steps. One step is what a task
does between two awaits; at the chosen one the fault is raised where the coroutine waits, in place of the
result it waits for.
"""

import asyncio
import contextvars
from collections.abc import Coroutine, Generator
from enum import Enum
from typing import Any

from tests.support.legs import InjectedError, victim


class Kind(Enum):
    """What happens at the chosen step."""

    ERROR = "an exception"
    CANCELLED = "a CancelledError nobody asked for"
    CANCEL = "a cancellation of the task from outside"


class _Stepped(Coroutine[Any, Any, Any]):
    """A coroutine that asks the injector before every step."""

    def __init__(self, inner: Coroutine[Any, Any, Any], injector: "Injector") -> None:
        self._inner = inner
        self._injector = injector
        self.__name__ = getattr(inner, "__name__", "coroutine")

    def send(self, value: Any) -> Any:
        fault = self._injector.step()
        return self._inner.send(value) if fault is None else self._inner.throw(fault)

    def throw(self, *fault: Any) -> Any:
        return self._inner.throw(*fault)

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, None, Any]:
        return self._inner.__await__()


class Injector:
    """Hits step `at` (from 1; 0: never) of all tasks of the victim whose code lies under `folder`."""

    def __init__(self, folder: str, at: int = 0, kind: Kind = Kind.ERROR) -> None:
        self.folder = folder
        self.at = at
        self.kind = kind
        self.steps = 0

    def step(self) -> BaseException | None:
        """Count one step; return what is to be raised in it."""
        self.steps += 1
        if self.steps != self.at:
            return None
        if self.kind is Kind.ERROR:
            return InjectedError()
        if self.kind is Kind.CANCELLED:
            return asyncio.CancelledError()
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return None

    def __call__(
        self, loop: asyncio.AbstractEventLoop, coro: Any, context: contextvars.Context | None = None
    ) -> "asyncio.Task[Any]":
        """Make a task (a task factory)."""
        code = getattr(coro, "cr_code", None)
        if victim.get() and code is not None and self.folder in code.co_filename:
            coro = _Stepped(coro, self)
        return asyncio.Task(coro, loop=loop, context=context)
