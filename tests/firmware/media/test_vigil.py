"""The media process is asked often enough, not more, and given up only when it had its chances."""

import asyncio

from firmware.media.vigil import BEAT, IDLE, ROUND, STRIKES, Vigil
from tests.support.virtual_time import run


class Watched:
    """What the vigil asked, and whether it gave up."""

    def __init__(self, *, answers: bool = True) -> None:
        self.answers = answers
        self.asked: list[list[int]] = []
        self.hung: list[float] = []
        self.vigil = Vigil(self.ask, lambda: self.hung.append(asyncio.get_running_loop().time()))

    def ask(self, ports: list[int]) -> None:
        self.asked.append(ports)
        if self.answers:
            self.vigil.spoke()


def test_every_row_is_asked_for_once_a_round() -> None:
    async def main() -> None:
        watched = Watched()
        watched.vigil.begin(asyncio.get_running_loop())
        for first in range(0, 400, 4):
            watched.vigil.follow((first, first + 2))
        await asyncio.sleep(ROUND + BEAT / 2)
        ports = [port for each in watched.asked for port in each]
        assert sorted(ports) == list(range(0, 400, 2))
        assert max(map(len, watched.asked)) <= 2 * 6  # not all at once
        watched.vigil.end()
        assert not watched.hung

    run(main())


def test_without_calls_it_is_asked_now_and_then() -> None:
    async def main() -> None:
        watched = Watched()
        watched.vigil.begin(asyncio.get_running_loop())
        await asyncio.sleep(10 * IDLE + 1)
        assert watched.asked == [[]] * 10
        watched.vigil.end()

    run(main())


def test_one_that_says_nothing_is_given_up_within_seconds() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        watched = Watched()
        watched.vigil.begin(loop)
        watched.vigil.follow((4, 6))
        await asyncio.sleep(1.0)
        watched.answers = False
        silent = loop.time()
        await asyncio.sleep(60)
        [hung] = watched.hung
        assert hung - silent <= (STRIKES + 2) * BEAT
        asked = len(watched.asked)
        await asyncio.sleep(60)
        assert len(watched.asked) == asked
        watched.vigil.end()

    run(main())


def test_one_word_in_time_is_enough() -> None:
    async def main() -> None:
        watched = Watched(answers=False)
        watched.vigil.begin(asyncio.get_running_loop())
        watched.vigil.follow((4, 6))
        for _ in range(10):
            await asyncio.sleep((STRIKES - 1) * BEAT)
            watched.vigil.spoke()
        assert not watched.hung
        watched.vigil.end()

    run(main())


def test_if_we_come_late_it_has_had_no_chance_to_speak() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        watched = Watched(answers=False)
        watched.vigil.begin(loop)
        watched.vigil.follow((4, 6))
        for _ in range(STRIKES - 2):  # beats that come whole minutes late are beats like others
            watched.vigil._beat()
        watched.vigil.spoke()
        watched.vigil._beat()
        assert not watched.hung
        watched.vigil.end()

    run(main())


def test_a_bridge_that_ends_is_asked_for_no_more() -> None:
    async def main() -> None:
        watched = Watched()
        watched.vigil.begin(asyncio.get_running_loop())
        watched.vigil.follow((4, 6))
        watched.vigil.follow((8, 10))
        assert list(watched.vigil.leave((4, 6))) == [4, 6]
        await asyncio.sleep(2 * ROUND + BEAT)
        assert {port for each in watched.asked for port in each} == {8, 10}
        watched.vigil.end()

    run(main())
