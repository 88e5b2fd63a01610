"""The bpf() system call, as far as the kernel tier needs it: maps, and loading a program (bpf(2)).

Works on descriptors; whoever holds one may use the map, whoever made it. Loading and making maps needs
CAP_BPF and CAP_NET_ADMIN (or root); all else needs the descriptor alone, where unprivileged bpf() is not
switched off.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from struct import Struct

_NUMBERS = {"x86_64": 321, "aarch64": 280}
_MAP_CREATE, _LOOKUP, _UPDATE, _DELETE, _NEXT, _PROG_LOAD, _INFORM, _LOOKUP_BATCH = 0, 1, 2, 3, 4, 5, 15, 24
_SCHED_CLS = 3
_ELEMENT = Struct("=IxxxxQQQ")  # map, key, value, flags
_BATCH = Struct("=QQQQIIQQ")  # in, out, keys, values, count, map, element flags, flags
_INFORMATION = Struct("=6I")  # type, id, key size, value size, entries, flags
_CREATE = Struct("=5I12x16s")  # type, key size, value size, entries, flags, name
_LOG = 65536

_libc = ctypes.CDLL(None, use_errno=True)


class BpfError(Exception):
    """The kernel refused; `errno` says why, `log` is what its verifier wrote."""

    def __init__(self, what: str, number: int, log: str = "") -> None:
        super().__init__(f"{what}: {os.strerror(number)}")
        self.errno = number
        self.log = log


def _bpf(command: int, attributes: bytes) -> tuple[int, bytes]:
    number = _NUMBERS.get(platform.machine())
    if number is None:
        return -errno.ENOSYS, attributes
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    result = _libc.syscall(number, command, buffer, len(attributes))
    return (result if result >= 0 else -ctypes.get_errno()), buffer.raw


def load(instructions: bytes, licence: str) -> int:
    """Load a tc classifier; return its descriptor. Raises BpfError."""
    code, terms, log = (
        ctypes.create_string_buffer(instructions, len(instructions)),
        ctypes.create_string_buffer(licence.encode()),
        ctypes.create_string_buffer(_LOG),
    )
    attributes = Struct("=IIQQIIQII16s").pack(
        _SCHED_CLS, len(instructions) // 8, ctypes.addressof(code), ctypes.addressof(terms),
        1, _LOG, ctypes.addressof(log), 0, 0, b"branchline",
    )  # fmt: skip
    result, _ = _bpf(_PROG_LOAD, attributes)
    if result < 0:
        raise BpfError(
            "the kernel does not take the relay program", -result, log.value.decode(errors="replace")
        )
    return result


class Map:
    """A map by its descriptor. Keys and values are octets of the sizes given; not for several threads."""

    __slots__ = ("_key", "_value", "fd", "key_size", "most", "value_size")

    def __init__(self, fd: int, key_size: int, value_size: int, most: int) -> None:
        self.fd = fd
        self.key_size, self.value_size, self.most = key_size, value_size, most
        self._key = ctypes.create_string_buffer(key_size)
        self._value = ctypes.create_string_buffer(value_size)

    @classmethod
    def create(cls, kind: int, key_size: int, value_size: int, most: int, flags: int) -> Map:
        """Make a map; raises BpfError."""
        result, _ = _bpf(
            _MAP_CREATE, Struct("=5I4x8x16s").pack(kind, key_size, value_size, most, flags, b"branchline")
        )
        if result < 0:
            raise BpfError("the kernel makes no BPF map", -result)
        return cls(result, key_size, value_size, most)

    @classmethod
    def of(cls, fd: int) -> Map:
        """Return the map of a descriptor that was handed in; raises BpfError when it is none."""
        information = ctypes.create_string_buffer(_INFORMATION.size)
        result, _ = _bpf(_INFORM, Struct("=IIQ").pack(fd, len(information), ctypes.addressof(information)))
        if result < 0:
            raise BpfError("no BPF map was handed over", -result)
        _, _, key_size, value_size, most, _ = _INFORMATION.unpack(information.raw)
        return cls(fd, key_size, value_size, most)

    def keys(self) -> list[bytes]:
        """Return the keys there are; one that is taken out meanwhile may begin the list anew, bounded."""
        found: list[bytes] = []
        after = ctypes.create_string_buffer(self.key_size)
        before = 0  # the first
        while len(found) < self.most:
            attributes = _ELEMENT.pack(self.fd, before, ctypes.addressof(after), 0)
            if _bpf(_NEXT, attributes)[0] < 0:
                break
            found.append(after.raw)
            self._key.raw = after.raw
            before = ctypes.addressof(self._key)
        return found

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, None when there is none."""
        return self._value.raw if self._element(_LOOKUP, key) else None

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of a key; raises BpfError when the map is full."""
        if len(value) != self.value_size:
            raise ValueError("a value of another size")
        self._value.raw = value
        self._element(_UPDATE, key)

    def remove(self, key: bytes) -> bool:
        """Take a key out; False when it was not there."""
        return self._element(_DELETE, key)

    def values(self, count: int) -> list[bytes]:
        """Return the first `count` values of an array, in one call (or one each, before Linux 5.6)."""
        count = min(count, self.most)
        keys = ctypes.create_string_buffer(4 * count)
        values = ctypes.create_string_buffer(self.value_size * count)
        mark = ctypes.create_string_buffer(8)
        attributes = _BATCH.pack(
            0, ctypes.addressof(mark), ctypes.addressof(keys), ctypes.addressof(values), count, self.fd, 0, 0
        )
        result, after = _bpf(_LOOKUP_BATCH, attributes)
        if result < 0 and result != -errno.ENOENT:  # ENOENT: that was the end of the map
            return [self.get(number.to_bytes(4, "little")) or b"" for number in range(count)]
        got = _BATCH.unpack(after)[4]
        return [
            values.raw[at : at + self.value_size] for at in range(0, got * self.value_size, self.value_size)
        ]

    def close(self) -> None:
        """Let go of the map."""
        os.close(self.fd)

    def _element(self, command: int, key: bytes) -> bool:
        if len(key) != self.key_size:
            raise ValueError("a key of another size")
        self._key.raw = key
        value = 0 if command == _DELETE else ctypes.addressof(self._value)
        result, _ = _bpf(command, _ELEMENT.pack(self.fd, ctypes.addressof(self._key), value, 0))
        if result == -errno.ENOENT:
            return False
        if result < 0:
            raise BpfError("the kernel refuses an entry of a BPF map", -result)
        return True
