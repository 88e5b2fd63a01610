"""Sound through descriptors that were handed in: clips are read from them, recordings written into them.

A clip is a file (read at its own place by every player of it) or a pipe or socket (read once). A recording
goes into a pipe or socket, whose other end encrypts: a sink that is a file is refused, so no sound reaches
a disk as it is.
"""

from __future__ import annotations

import os
import stat

from rtp import orders, player, recorder
from rtp.player import Clip, Player
from rtp.recorder import Recorder

MOST = 1024  # clips known at once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rtp.control import Message
    from rtp.rooms import Rooms


class Shared:
    """A descriptor with several users; the last one closes it."""

    __slots__ = ("fd", "seekable", "users")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.users = 1
        self.seekable = stat.S_ISREG(os.fstat(fd).st_mode)
        if not self.seekable:
            os.set_blocking(fd, False)

    def release(self) -> None:
        """One user less."""
        self.users -= 1
        if not self.users:
            os.close(self.fd)


class Source(player.Source):
    """The bytes behind a descriptor, for one player."""

    __slots__ = ("_at", "_shared")

    def __init__(self, shared: Shared) -> None:
        shared.users += 1
        self._shared: Shared | None = shared
        self._at = 0

    def read(self, size: int) -> bytes | None:
        """Return at most `size` bytes, b"" at the end, None while there are none yet."""
        shared = self._shared
        if shared is None:
            return b""
        try:
            data = os.pread(shared.fd, size, self._at) if shared.seekable else os.read(shared.fd, size)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        self._at += len(data)
        return data

    def rewind(self) -> bool:
        """Start over; False for what is read once."""
        self._at = 0
        return self._shared is not None and self._shared.seekable

    def close(self) -> None:
        """Let go of the descriptor."""
        if self._shared is not None:
            self._shared.release()
            self._shared = None


class Sink(recorder.Sink):
    """A pipe or socket that a recording goes into."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_blocking(fd, False)

    def write(self, data: bytes) -> int:
        """Take bytes, return how many; 0 while there is no room, -1 when nobody reads any more."""
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError:
            return -1

    def close(self) -> None:
        """Say that this was all."""
        os.close(self._fd)


class Descriptors:
    """Carries out orders; knows clips by their numbers."""

    def __init__(self) -> None:
        self._clips: dict[int, Shared] = {}

    def follow(self, message: Message, rooms: Rooms, fds: list[int]) -> None:
        """Do what a message orders; it takes its descriptor from the beginning of `fds`."""
        if isinstance(message, orders.Clip):
            self._keep(message.number, fds)
        elif isinstance(message, orders.Drop):
            self._forget(message.number)
        elif isinstance(message, orders.Play):
            clips = [Clip(Source(self._clips[number])) for number in message.clips if number in self._clips]
            player = Player(clips, loop=message.loop, token=message.token)
            player.failed = len(clips) < len(message.clips)
            rooms.play(message.port, message.room, player)
        elif isinstance(message, orders.Stop):
            rooms.stop(message.port, message.room)
        elif isinstance(message, orders.Press):
            rooms.press(message.port, message.digits[: orders.MOST_DIGITS], message.length)
        elif isinstance(message, orders.Record):
            self._record(message, rooms, fds)
        elif isinstance(message, orders.EndRecord):
            rooms.record(message.port, None)

    def clear(self) -> None:
        """Forget all clips: whoever fills the plan anew brings them again."""
        for number in tuple(self._clips):
            self._forget(number)

    def _keep(self, number: int, fds: list[int]) -> None:
        if fds:
            fd = fds.pop(0)
            self._forget(number)
            if len(self._clips) >= MOST:
                os.close(fd)
            else:
                self._clips[number] = Shared(fd)

    def _forget(self, number: int) -> None:
        clip = self._clips.pop(number, None)
        if clip is not None:
            clip.release()

    def _record(self, message: orders.Record, rooms: Rooms, fds: list[int]) -> None:
        fd = fds.pop(0) if fds else -1
        if fd < 0 or stat.S_ISREG(os.fstat(fd).st_mode):
            if fd >= 0:
                os.close(fd)
            rooms.refuse_record(message.token)
        else:
            rooms.record(message.port, Recorder(Sink(fd), message.token))
