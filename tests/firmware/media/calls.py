"""A media process and phones for the tests of `firmware.media`."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from firmware.media import Bridge, Description, Media
from firmware.media.worker import fork_early
from tests.rtp.twin import Phone

HOST = "127.0.0.1"
FIRST = 25000


@asynccontextmanager
async def running(pairs: int = 4, **options: float) -> AsyncIterator[Media]:
    """Give a started Media over `pairs` free port pairs."""
    first = FIRST + os.getpid() % 50 * 100
    while not _free(first, first + 2 * pairs):
        first += 2 * pairs
    media = Media(fork_early(HOST, first, first + 2 * pairs - 1), time.monotonic, **options)  # type: ignore[arg-type]
    await media.start()
    try:
        yield media
    finally:
        await media.close()
        Phone.close_all()


def _free(first: int, last: int) -> bool:
    for port in range(first, last):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            try:
                one.bind((HOST, port))
            except OSError:
                return False
    return True


def describe(
    phone: Phone | socket.socket, direction: str = "sendrecv", *, host: str = HOST, extra: str = ""
) -> Description:
    """Return the description a phone would send."""
    port = phone.address[1] if isinstance(phone, Phone) else phone.getsockname()[1]
    text = (
        f"v=0\r\no=someone 7 7 IN IP4 {HOST}\r\ns=subject\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0 101\r\n"
        f"a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n{extra}"
    )
    return Description.parse(text.encode())


def target(description: Description) -> int:
    """Return where a description wants its audio, on loopback."""
    connection = description.media[0].connection
    assert connection is not None
    assert connection.address == HOST
    return description.media[0].port


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something that must come; the time only bounds a failure."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.005)


async def hears(speaker: Phone, port: int, listener: Phone, text: bytes) -> None:
    """Let one speak until the other hears."""
    heard: list[bytes] = []

    def spoken() -> bool:
        speaker.say(port, text)
        heard.extend(listener.heard())
        return text in heard

    await until(spoken)


async def silent(media: Media, speaker: Phone, port: int, listener: Phone, text: bytes) -> None:
    """Let one speak when the media process has followed all edits; the other must not hear it."""
    assert await media.counters() is not None
    for _ in range(5):
        speaker.say(port, text)
        await asyncio.sleep(0.01)
    assert text not in listener.heard()


class Talk:
    """A call set up over a bridge, a calling b; `to_box` says where each phone sends."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self.a, self.b = Phone(), Phone()
        self.offered = bridge.offer("caller", describe(self.a))
        self.answered = bridge.answer("callee", describe(self.b))
        self.a_to, self.b_to = target(self.answered), target(self.offered)

    async def both(self, text: bytes) -> None:
        await hears(self.a, self.a_to, self.b, text + b" a")
        await hears(self.b, self.b_to, self.a, text + b" b")
