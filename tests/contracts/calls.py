"""Reads the source for what an import contract cannot see: built-ins, calls on modules that all may import.

Which module may do what comes from the contracts of type "only" in pyproject.toml, so that there is one list.
"""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.contracts.only import stands_in

ROOMS = ("board", "firmware", "provisioning", "rtp", "sip")

# The command-line skins, and the journal whose sink may be standard output.
TERMINAL = (
    "firmware.main*",
    "firmware.cli*",
    "firmware.console",
    "firmware.egress.guard",
    "firmware.journal",
    "provisioning.__main__",
)
NOBODY: tuple[str, ...] = ()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BUILTINS = dict.fromkeys(("eval", "exec", "compile", "__import__", "breakpoint"), "code") | {
    "open": "files",
    "print": "terminal",
    "input": "terminal",
}
OS_FILES = _words("""
    access chdir chmod chown chroot copy_file_range fchmod fchown fdatasync fdopen fsync ftruncate lchown link
    listdir lockf lstat makedirs mkdir mkfifo mknod open openpty pread preadv pwrite pwritev read readlink
    readv remove removedirs rename renames replace rmdir scandir sendfile stat statvfs symlink sync truncate
    unlink utime walk fwalk write writev
""")
OS_PROCESSES = _words("""
    abort execl execle execlp execlpe execv execve execvp execvpe fork forkpty kill killpg nice pidfd_open
    pipe pipe2 popen posix_spawn posix_spawnp setgid setgroups setregid setresgid setresuid setreuid setsid
    setuid spawnl spawnle spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe system wait wait3 wait4 waitid
    waitpid _exit
""")
PATH_METHODS = _words("""
    read_text read_bytes write_text write_bytes unlink rmdir touch symlink_to hardlink_to iterdir rglob
    samefile is_file is_dir is_symlink is_mount lchmod expanduser
""")
PATH_METHODS_BY_RECEIVER = _words(
    "mkdir rename replace stat chmod glob exists"
)  # others have these names too
LOOP_METHODS = {
    "sockets": _words("""
        create_connection create_server create_datagram_endpoint create_unix_connection create_unix_server
        connect_accepted_socket sock_connect sock_recv sock_recv_into sock_recvfrom sock_sendall sock_sendto
        sock_accept sock_sendfile getaddrinfo getnameinfo
    """),
    "watches": _words("add_reader add_writer"),
    "processes": _words("subprocess_exec subprocess_shell run_in_executor to_thread add_signal_handler"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One place in the source that does what its module may not."""

    module: str
    line: int
    kind: str
    what: str

    def __str__(self) -> str:
        """Return the line a developer reads."""
        return f"{self.module}:{self.line}: {self.what} is not for this module ({self.kind})"


def allowances(pyproject: Path) -> dict[str, tuple[str, ...]]:
    """Return for every kind of outside contact the modules that may have it."""
    contracts = tomllib.loads(pyproject.read_text())["tool"]["importlinter"]["contracts"]
    lists = {entry["id"]: tuple(entry["allowed"]) for entry in contracts if entry["type"] == "only"}
    # Who watches a descriptor need not be able to open one: so the media process's control socket.
    watches = (*lists["sockets"], "firmware.media.media")
    return lists | {
        "watches": watches,
        "loop time": (*lists["clocks"], "sip.transport"),
        "terminal": TERMINAL,
        "code": NOBODY,
        "environment": NOBODY,
        "shell": NOBODY,
    }


def _receiver(node: ast.expr) -> str:
    """Return the last name of what a method is called on, in lower case ("" when it has none)."""
    if isinstance(node, ast.Attribute):
        return node.attr.lower()
    if isinstance(node, ast.Name):
        return node.id.lower()
    if isinstance(node, ast.Call):
        return _receiver(node.func)
    return ""


def _looks_like_path(node: ast.expr) -> bool:
    joined = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
    return joined or any(word in _receiver(node) for word in ("path", "file", "directory", "folder"))


def _opens(call: ast.Call, receiver: ast.expr) -> bool:
    """Tell a path's `open` from that of our own objects: by mode, by keyword or by the receiver's name."""
    first = call.args[0] if call.args else None
    mode = (
        isinstance(first, ast.Constant)
        and isinstance(first.value, str)
        and set(first.value) <= set("rwxabt+")
    )
    keywords = {keyword.arg for keyword in call.keywords}
    return mode or bool(keywords & {"mode", "encoding", "buffering", "newline"}) or _looks_like_path(receiver)


def _call(node: ast.Call) -> Iterator[tuple[str, str]]:
    """Yield (kind, what) for one call."""
    if any(k.arg == "shell" and _is_true(k.value) for k in node.keywords):
        yield "shell", "shell=True"
    function = node.func
    if isinstance(function, ast.Name):
        if function.id in BUILTINS:
            yield BUILTINS[function.id], f"{function.id}()"
    elif isinstance(function, ast.Attribute):
        kind = _method(function.attr, function.value, node)
        if kind:
            yield kind, f".{function.attr}()"


def _method(name: str, receiver: ast.expr, call: ast.Call) -> str:
    """Return the kind of outside contact that a method call is; "" for none."""
    on = _receiver(receiver)
    if (
        name in PATH_METHODS
        or (name in PATH_METHODS_BY_RECEIVER and _looks_like_path(receiver))
        or (name == "open" and on not in {"os", "io"} and _opens(call, receiver))
    ):
        return "files"
    for kind, names in LOOP_METHODS.items():
        if name in names:
            return kind
    if name == "time" and on.endswith("loop"):
        return "loop time"
    if name in {"update", "pop", "setdefault", "clear"} and on == "environ":
        return "environment"
    return ""


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and bool(node.value)


def _named(module: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, what) for the use of a name of a module that everybody may import."""
    if module == "os":
        if name in OS_FILES:
            yield "files", f"os.{name}"
        elif name in OS_PROCESSES:
            yield "processes", f"os.{name}"
        elif name in {"putenv", "unsetenv"}:
            yield "environment", f"os.{name}"
    elif module == "io" and name in {"open", "open_code", "FileIO"}:
        yield "files", f"io.{name}"
    elif module == "sys" and name in {"stdin", "stdout", "stderr", "__stdout__", "__stderr__"}:
        yield "terminal", f"sys.{name}"
    elif module == "builtins":
        yield BUILTINS.get(name, "code"), f"builtins.{name}"
    elif module == "asyncio" and name == "to_thread":
        yield "processes", "asyncio.to_thread"


def _node(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (kind, what) for one node of the source."""
    if isinstance(node, ast.Call):
        yield from _call(node)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield from _named(node.value.id, node.attr)
    elif isinstance(node, ast.ImportFrom) and node.module is not None:
        for alias in node.names:
            yield from _named(node.module, alias.name)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name in {"os", "io", "sys"} and alias.asname:
                yield "code", f"import {alias.name} as {alias.asname}"  # it would hide the names above
    elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        yield from [("environment", "a write to os.environ")] if _receiver(node.value) == "environ" else []


def read(module: str, source: str, allowed: dict[str, tuple[str, ...]]) -> list[Finding]:
    """Return what a module's source does and may not."""
    return [
        Finding(module, getattr(node, "lineno", 0), kind, what)
        for node in ast.walk(ast.parse(source))
        for kind, what in _node(node)
        if not stands_in(module, allowed[kind])
    ]


def check(tree: Path) -> list[Finding]:
    """Return the findings of every module of the five rooms under `tree`."""
    allowed = allowances(tree / "pyproject.toml")
    findings = []
    for room in ROOMS:
        for path in sorted((tree / room).rglob("*.py")):
            parts = path.relative_to(tree).with_suffix("").parts
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            findings += read(module, path.read_text(), allowed)
    return findings
