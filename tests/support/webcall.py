"""The media of a browser, by aiortc: full ICE, DTLS-SRTP, RTP and a codec that nobody here wrote.

Its agent passes over loopback addresses, so it is told which address it has.
"""

import asyncio
import fractions
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

import aioice.ice
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, AudioResampler

RATE, FRAME = 8000, 160
T = TypeVar("T")


class Tone(MediaStreamTrack):
    """A tone without end, 20 ms at a time."""

    kind = "audio"

    def __init__(self, hertz: int) -> None:
        super().__init__()
        self._hertz = hertz
        self._at = 0
        self._begun = 0.0

    async def recv(self) -> AudioFrame:
        """Return the next frame when it is due."""
        loop = asyncio.get_running_loop()
        self._begun = self._begun or loop.time()
        await asyncio.sleep(max(0.0, self._begun + self._at / RATE - loop.time()))
        moments = (np.arange(FRAME) + self._at) / RATE
        sound = (8000 * np.sin(2 * np.pi * self._hertz * moments)).astype(np.int16)
        frame = AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._at, fractions.Fraction(1, RATE)
        self._at += FRAME
        return frame


class WebCall:
    """One peer connection at an address; a context manager that runs its event loop in a thread."""

    def __init__(self, address: str, hertz: int) -> None:
        self._address = address
        self._hertz = hertz
        self.heard = np.zeros(0, np.int16)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="browser", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.connection = self._do(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self.connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T], seconds: float = 20.0) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    async def _begin(self) -> RTCPeerConnection:
        aioice.ice.get_host_addresses = lambda **_: [self._address]
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.addTrack(Tone(self._hertz))
        self._tasks: set[asyncio.Task[None]] = set()

        @connection.on("track")
        def heard(track: MediaStreamTrack) -> None:
            self._tasks.add(asyncio.ensure_future(self._listen(track)))

        return connection

    async def _listen(self, track: MediaStreamTrack) -> None:
        resampler = AudioResampler("s16", "mono", RATE)
        try:
            while True:
                received = await track.recv()
                assert isinstance(received, AudioFrame)
                for frame in resampler.resample(received):
                    self.heard = np.append(self.heard, frame.to_ndarray().reshape(-1))
        except MediaStreamError:
            return  # the track ended

    def offer(self) -> bytes:
        """Return what it offers."""

        async def make() -> bytes:
            await self.connection.setLocalDescription(await self.connection.createOffer())
            return self.connection.localDescription.sdp.encode()

        return self._do(make())

    def answered(self, sdp: bytes) -> None:
        """Take the answer."""
        self._do(self.connection.setRemoteDescription(RTCSessionDescription(sdp.decode(), "answer")))

    def answer(self, sdp: bytes) -> bytes:
        """Return its answer to an offer."""

        async def make() -> bytes:
            await self.connection.setRemoteDescription(RTCSessionDescription(sdp.decode(), "offer"))
            await self.connection.setLocalDescription(await self.connection.createAnswer())
            return self.connection.localDescription.sdp.encode()

        return self._do(make())

    def wait(self, state: str = "connected", seconds: float = 15.0) -> None:
        """Wait until the connection is in a state."""

        async def until() -> None:
            changed = asyncio.Event()
            self.connection.on("connectionstatechange", changed.set)
            while self.connection.connectionState != state:
                await changed.wait()
                changed.clear()

        self._do(asyncio.wait_for(until(), seconds))


def loudest(sound: np.ndarray) -> float:
    """Return the frequency, in Hz, that is loudest in the last second."""
    last = sound[-RATE:].astype(float)
    spectrum = np.abs(np.fft.rfft(last * np.hanning(len(last))))
    return float(np.argmax(spectrum) * RATE / len(last))
