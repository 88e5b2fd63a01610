"""Questions to the media process, each with a token that its answer brings back."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from rtp import control

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER = 1.0  # seconds to wait for an answer
UNASKED = 0  # the token of questions whose answers nobody waits for

Answer = control.Statistics | control.Counters


class Questions:
    """`send` sends one datagram and tells whether there was room; it may raise ConnectionError."""

    def __init__(self, send: Callable[[bytes], bool]) -> None:
        self._send = send
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._token = UNASKED

    def put(self, port: int) -> asyncio.Future[Answer]:
        """Ask for a port's Statistics, or the Counters with port 0; cancelled if it could not be sent."""
        self._token = self._token % 0xFFFFFFFF + 1
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[self._token] = future
        future.add_done_callback(partial(self._forget, self._token))
        if not self._sent([control.Ask(port=port, token=self._token)]):
            future.cancel()
        return future

    def look(self, ports: list[int]) -> None:
        """Ask for many ports; the answers carry UNASKED."""
        self._sent([control.Ask(port=port, token=UNASKED) for port in ports])

    async def answer(self, question: asyncio.Future[Answer]) -> Answer | None:
        """Wait for an answer; None when there is none in time."""
        await asyncio.wait([question], timeout=ANSWER)
        if question.done() and not question.cancelled():
            return question.result()
        question.cancel()
        return None

    def take(self, message: Answer) -> None:
        """Give an answer to who waits for it."""
        future = self._waiting.get(message.token)
        if future is not None and not future.done():
            future.set_result(message)

    def _forget(self, token: int, _: object) -> None:
        self._waiting.pop(token, None)

    def _sent(self, messages: list[control.Message]) -> bool:
        try:
            return all(map(self._send, control.encode(messages)))
        except ConnectionError:
            return False
