"""Look for planted words in every byte a program left on disk."""

import base64
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Find:
    """One canary found: in which file, coding and at which byte; the canary by its label, not its text."""

    label: str
    coding: str
    path: Path
    offset: int

    def __str__(self) -> str:
        return f"{self.label} as {self.coding} in {self.path} at byte {self.offset}"


def codings(text: str) -> Iterator[tuple[str, bytes]]:
    """All the ways `text` might lie in a file in the clear.

    Upper and lower case need no entries: the search itself does not look at case.
    """
    plain = text.encode()
    yield "utf-8", plain
    yield "utf-16le", text.encode("utf-16-le")
    yield "utf-16be", text.encode("utf-16-be")
    yield "hex", plain.hex().encode()
    yield "reversed", plain[::-1]
    # base64 of a text inside a longer one depends on where it begins, modulo three: keep the sure middle
    for shift in range(3):
        code = base64.b64encode(b"\0" * shift + plain)
        yield f"base64+{shift}", code[(0, 2, 3)[shift] : len(code) - 4 if len(code) > 12 else len(code)]
    quoted = urllib.parse.quote(text, safe="")
    if quoted != text:
        yield "url", quoted.encode()
    if text.isascii() and text.isdigit() and len(text) >= 8:
        even = text if len(text) % 2 == 0 else text + "f"
        yield "bcd", bytes.fromhex(even)
        swapped = "".join(even[i + 1] + even[i] for i in range(0, len(even), 2))
        yield "bcd swapped", bytes.fromhex(swapped)
        yield "integer le", int(text).to_bytes(8, "little").rstrip(b"\0")
        yield "integer be", int(text).to_bytes(8, "big").lstrip(b"\0")


def scan(directory: Path, canaries: Iterable[tuple[str, str]]) -> list[Find]:
    """Every occurrence (the first per file and coding) of the canaries, given as (label, text).

    Reads all files below `directory`, whatever their name, and the names themselves. A canary shorter than
    six characters is refused: it would be found by chance.
    """
    wanted: list[tuple[str, str, bytes]] = []
    for label, text in canaries:
        if len(text) < 6:
            raise ValueError(f"canary {label!r} is too short to be told from chance")
        wanted += [(label, coding, needle.lower()) for coding, needle in codings(text)]
    finds = []
    for path in sorted(directory.rglob("*")):
        contents = [path.relative_to(directory).as_posix().encode().lower()]
        if path.is_file() and not path.is_symlink():
            contents.append(path.read_bytes().lower())
        for content in contents:
            for label, coding, needle in wanted:
                offset = content.find(needle)
                if offset >= 0:
                    finds.append(Find(label, coding, path, offset))
    return finds
