"""Answers find who asked."""

import asyncio

from firmware.media.questions import ANSWER, UNASKED, Questions
from rtp.control import Ask, decode
from tests.firmware.media.test_tally import told
from tests.support.virtual_time import run


def test_answers_go_to_who_asked() -> None:
    async def main() -> None:
        sent: list[Ask] = []

        def send(datagram: bytes) -> bool:
            sent.extend(message for message in decode(datagram) if isinstance(message, Ask))
            return True

        questions = Questions(send)
        one, other = questions.put(4), questions.put(6)
        questions.look([8, 10])
        assert [ask.port for ask in sent] == [4, 6, 8, 10]
        assert [ask.token for ask in sent[2:]] == [UNASKED] * 2
        questions.take(told(token=sent[1].token, packets=2))
        questions.take(told(token=UNASKED))
        questions.take(told(token=4711))
        answer = await questions.answer(other)
        assert answer == told(token=sent[1].token, packets=2)
        before = asyncio.get_running_loop().time()
        assert await questions.answer(one) is None
        assert asyncio.get_running_loop().time() - before >= ANSWER
        questions.take(told(token=sent[0].token))  # too late: nobody waits
        await asyncio.sleep(0)
        assert not questions._waiting

    run(main())


def test_what_cannot_be_sent_is_not_waited_for() -> None:
    async def main() -> None:
        def broken(_: bytes) -> bool:
            raise ConnectionError

        for send in (broken, lambda _: False):
            questions = Questions(send)
            assert await questions.answer(questions.put(4)) is None
            questions.look([4])
            await asyncio.sleep(0)
            assert not questions._waiting
        assert asyncio.get_running_loop().time() < ANSWER

    run(main())
