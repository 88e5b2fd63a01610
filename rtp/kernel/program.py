"""The compiled relay program: read from its object file, given its maps, handed to the kernel.

The object is what `clang -target bpf` makes: ELF, little-endian, one program in section `tc`, maps declared
in section `maps`. One object serves x86-64 and arm64; a test (`test_object.py`) holds it to its source.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final

from rtp.kernel.bpf import Map, load

OBJECT: Final = "relay.bpf.o"
MAPS: Final = ("legs", "statistics", "budgets")
_HEADER = Struct("<16xHHIQQQIHHHHHH")  # from e_type on
_SECTION = Struct("<IIQQQQIIQQ")
_SYMBOL = Struct("<IBBHQQ")
_RELOCATION = Struct("<QQ")
_MAP = Struct("<5I")
_EM_BPF, _LOAD_64, _MAP_FD = 247, 0x18, 1


class BadObject(Exception):
    """The object file is not the relay program."""


@dataclass(frozen=True, slots=True)
class Program:
    """Instructions, the offsets at which each map's descriptor belongs, and each map as it is to be made."""

    instructions: bytes
    places: tuple[tuple[int, str], ...]
    maps: dict[str, tuple[int, int, int, int, int]]
    licence: str

    @classmethod
    def parse(cls, data: bytes) -> Program:
        """Read an object file; raises BadObject."""
        try:
            return _parse(data)
        except Exception as error:
            if isinstance(error, BadObject):
                raise
            raise BadObject(f"not an object file of the relay: {type(error).__name__}") from error

    def create_maps(self) -> dict[str, Map]:
        """Make the maps; raises BpfError. Nothing is left over when one cannot be made."""
        made: dict[str, Map] = {}
        try:
            for name in MAPS:
                made[name] = Map.create(*self.maps[name])
        except BaseException:
            for each in made.values():
                each.close()
            raise
        return made

    def load(self, maps: dict[str, Map]) -> int:
        """Load the program with these maps; return its descriptor. Raises BpfError."""
        code = bytearray(self.instructions)
        for at, name in self.places:
            code[at + 1] = code[at + 1] & 0x0F | _MAP_FD << 4
            code[at + 4 : at + 8] = maps[name].fd.to_bytes(4, "little")
        return load(bytes(code), self.licence)


def _parse(data: bytes) -> Program:
    _, machine, _, _, _, sections_at, _, _, _, _, size, count, names_at = _HEADER.unpack_from(data)
    if data[:6] != b"\x7fELF\x02\x01" or machine != _EM_BPF or size != _SECTION.size:
        raise BadObject("not a little-endian BPF object")
    headers = [_SECTION.unpack_from(data, sections_at + number * size) for number in range(count)]
    contents = [data[header[4] : header[4] + header[5]] for header in headers]
    names = [_text(contents[names_at], header[0]) for header in headers]
    found = dict(zip(names, contents, strict=True))
    table = names.index(".symtab")
    words = contents[headers[table][6]]
    symbols = [
        (_text(words, symbol[0]), symbol[3], symbol[4]) for symbol in _SYMBOL.iter_unpack(contents[table])
    ]
    maps_section = names.index("maps")
    maps = {
        name: _MAP.unpack_from(found["maps"], at)
        for name, section, at in symbols
        if section == maps_section and name
    }
    if set(maps) != set(MAPS):
        raise BadObject("other maps than expected")
    places = []
    for at, info in _RELOCATION.iter_unpack(found[".reltc"]):
        name = symbols[info >> 32][0]
        if name not in maps or found["tc"][at] != _LOAD_64:
            raise BadObject("a reference to something else than a map")
        places.append((at, name))
    licence = found["license"].rstrip(b"\0").decode()
    return Program(found["tc"], tuple(places), maps, licence)


def _text(table: bytes, at: int) -> str:
    return table[at : table.index(b"\0", at)].decode()
