"""The local socket: one JSON line asks, one JSON line answers; only this file of the room does I/O.

The socket lies in the state directory (0700), has mode 0600, and every peer's user id is asked of the kernel:
the box's own user and root are administrators, anybody else is turned away. Lines, connections and idle time
are bounded.

    {"operation": "extension.show", "arguments": {"number": "101"}}
    {"result": {...}}   or   {"error": {"key": "extension.unknown", "text": "...", "values": {...}}}
"""

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from firmware.errors import OperatorError
from firmware.journal.event import Kind, Level
from firmware.journal.journal import Journal
from firmware.operations import CONTROL

ROOT: Final = 0
LINE_LIMIT: Final = 1 << 20
CONNECTIONS: Final = 16
IDLE_SECONDS: Final = 60.0

TURNED_AWAY: Final = Kind(
    "operations.refused", "a program of user id {uid} asked for the box and was refused", Level.WARNING
)

Answer = Callable[[str, object], Awaitable[Any]]
"""Carries out an operation by name on JSON arguments; raises nothing but OperatorError."""


class SocketRefused(OperatorError):
    """What came over the socket was not a request."""

    key = "operations.request"


class BoxGone(OperatorError):
    """The box stopped answering."""

    key = "operations.gone"


class Control:
    """The serving end: `start` binds, `retire` takes the socket away, `close` hangs up."""

    __slots__ = ("_answer", "_directory", "_journal", "_server", "_tasks")

    def __init__(self, directory: str, answer: Answer, journal: Journal) -> None:
        self._directory = directory
        self._answer = answer
        self._journal = journal
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Bind the socket; the caller holds the store's lock, so a socket that lies there already is dead."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self._directory, CONTROL))
        listening = socket.socket(
            socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        )
        before = os.umask(0o177)
        try:
            with _short(self._directory) as path:
                listening.bind(path)
        finally:
            os.umask(before)
        self._server = await asyncio.start_unix_server(
            self._serve, sock=listening, limit=LINE_LIMIT, backlog=CONNECTIONS
        )

    def retire(self) -> None:
        """Take the socket away; who is connected stays so, and waits for `close`."""
        if self._server is not None:
            self._server.close()
            self._server = None
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self._directory, CONTROL))

    async def close(self) -> None:
        """Take the socket away and hang up on everybody."""
        self.retire()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._tasks) >= CONNECTIONS or not self._known(writer):
            writer.close()
            return
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            pass  # the peer went away, said nothing, or the box stops: there is nobody left to tell
        finally:
            self._tasks.discard(task)
            writer.close()

    def _known(self, writer: asyncio.StreamWriter) -> bool:
        peer: socket.socket = writer.get_extra_info("socket")
        _pid, uid, _gid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid in (ROOT, os.geteuid()):
            return True
        self._journal.log(TURNED_AWAY, uid=uid)
        return False

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    line = await reader.readline()
            except ValueError:  # longer than the limit
                refused = SocketRefused(f"a request is longer than {LINE_LIMIT} bytes; send less")
                writer.write(_line(_error(refused)))
                await writer.drain()
                return
            if not line.endswith(b"\n"):
                return
            writer.write(_line(await self._reply(line)))
            await writer.drain()

    async def _reply(self, line: bytes) -> dict[str, object]:
        try:
            request = json.loads(line)
            operation, arguments = request["operation"], request.get("arguments", {})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return _error(
                SocketRefused('a request is one line of JSON: {"operation": "status", "arguments": {}}')
            )
        if not isinstance(operation, str):
            return _error(SocketRefused("operation: not a text; send its name"))
        try:
            return {"result": await self._answer(operation, arguments)}
        except OperatorError as error:
            return _error(error)


def ask(directory: str, operation: str, arguments: dict[str, object], *, seconds: float = 60.0) -> Any:
    """Ask the box that runs on a state directory; raise OperatorError with what it refused.

    Raises ConnectionRefusedError or FileNotFoundError when no box listens there. Asking for `stop` returns
    when the box has closed the connection, which is the last thing it does.
    """
    request = _line({"operation": operation, "arguments": arguments})
    if len(request) > LINE_LIMIT:
        raise SocketRefused(f"a request is longer than {LINE_LIMIT} bytes; send less")
    try:
        connection = connect(directory, seconds=seconds)
    except (FileNotFoundError, ConnectionRefusedError):
        raise
    except OSError as error:
        why = "too busy" if isinstance(error, BlockingIOError) else error.strerror
        raise BoxGone(f"{directory}: the box cannot be asked ({why})") from error
    with connection as asking:
        try:
            asking.sendall(request)
            with asking.makefile("rb") as answers:
                line = answers.readline()
                if operation == "stop" and line.startswith(b'{"result"'):
                    answers.read()
        except (OSError, TimeoutError) as error:
            raise BoxGone("the box does not answer; look at its log") from error
    if not line.endswith(b"\n"):
        raise BoxGone("the box closed the connection without an answer; look at its log")
    answer = json.loads(line)
    if "error" in answer:
        refused = answer["error"]
        raise OperatorError(refused["text"], key=refused["key"], **refused["values"])
    return answer["result"]


def connect(directory: str, *, seconds: float = 60.0) -> socket.socket:
    """Connect to the box that runs on a state directory; raise OSError when none does."""
    asking = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        asking.settimeout(seconds)
        with _short(directory) as path:
            asking.connect(path)
    except OSError:
        asking.close()
        raise
    return asking


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _error(error: OperatorError) -> dict[str, object]:
    values = {key: value for key, value in error.values.items() if isinstance(value, str | int)}
    return {"error": {"key": error.key, "text": error.text, "values": values}}


@contextlib.contextmanager
def _short(directory: str) -> Iterator[str]:
    """Name the socket through a descriptor of its directory: a socket's path may have 107 bytes only."""
    handle = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}/{CONTROL}"
    finally:
        os.close(handle)
