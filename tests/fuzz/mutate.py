"""Breaking octets at random, repeatably."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random


def mutate(random: Random, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Give one input of the corpus with one to eight things done to it."""
    data = bytearray(random.choice(corpus))
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        _STEPS[random.randrange(len(_STEPS))](random, data, corpus, words)
        if len(data) > 20000:
            del data[20000:]
    return bytes(data)


def _cut(random: Random, data: bytearray) -> slice:
    start = random.randint(0, len(data))
    return slice(start, start + random.choice((0, 1, 2, 4, 8, 40, 400)))


def _flip(random: Random, data: bytearray, _corpus: Sequence[bytes], _words: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] = random.randrange(256)


def _delete(random: Random, data: bytearray, _corpus: Sequence[bytes], _words: Sequence[bytes]) -> None:
    del data[_cut(random, data)]


def _repeat(random: Random, data: bytearray, _corpus: Sequence[bytes], _words: Sequence[bytes]) -> None:
    piece = data[_cut(random, data)]
    at = random.randint(0, len(data))
    data[at:at] = piece * random.choice((1, 1, 2, 300))


def _insert(random: Random, data: bytearray, _corpus: Sequence[bytes], words: Sequence[bytes]) -> None:
    data[_cut(random, data)] = random.choice(words)


def _splice(random: Random, data: bytearray, corpus: Sequence[bytes], _words: Sequence[bytes]) -> None:
    other = random.choice(corpus)
    data[random.randint(0, len(data)) :] = other[random.randint(0, len(other)) :]


def _move_line(random: Random, data: bytearray, _corpus: Sequence[bytes], _words: Sequence[bytes]) -> None:
    lines = bytes(data).split(b"\r\n")
    line = lines.pop(random.randrange(len(lines)))
    lines.insert(random.randint(0, len(lines)), line)
    data[:] = b"\r\n".join(lines)


_STEPS = (_flip, _delete, _repeat, _insert, _splice, _move_line)
