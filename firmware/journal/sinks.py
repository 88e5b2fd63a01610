"""Where log lines go: the terminal, and a file that cannot grow."""

import os
from typing import TextIO

from firmware.clock import local_time, utc
from firmware.journal.event import Level
from firmware.journal.journal import Line

_MARKS = {Level.DEBUG: " ", Level.INFO: " ", Level.WARNING: "!", Level.ALARM: "*"}


class Terminal:
    """Readable lines for the person at the box: time of day, ! for warnings, * for alarms, text."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, lines: list[Line]) -> None:
        """Print one batch."""
        self._stream.write("".join(f"{local_time(x.wall)} {_MARKS[x.level]} {x.text}\n" for x in lines))
        self._stream.flush()

    def close(self) -> None:
        """Leave the stream to its owner."""


class CappedFile:
    """A log file of at most `limit` bytes and one predecessor `path.1`, readable by its owner only."""

    def __init__(self, path: str, limit: int = 1 << 20) -> None:
        self._path = path
        self._limit = limit
        self._file = self._open()
        self._size = os.fstat(self._file).st_size

    def write(self, lines: list[Line]) -> None:
        """Append one batch, changing files first when it would not fit."""
        for line in lines:
            data = f"{utc(line.wall)} {line.level.name.lower():7} {line.name} {line.text}\n".encode()[
                : self._limit
            ]
            if self._size + len(data) > self._limit:
                self._rotate()
            self._size += os.write(self._file, data)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _open(self) -> int:
        return os.open(
            self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )

    def _rotate(self) -> None:
        os.close(self._file)
        os.replace(self._path, self._path + ".1")
        self._file = self._open()
        self._size = 0
