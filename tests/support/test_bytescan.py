"""The byte scan finds what it should, in each coding, and nothing else."""

import base64
from pathlib import Path

import pytest

from tests.support.bytescan import scan

NUMBER = "055501427731"
NAME = "Wilhelmine Überacker"


@pytest.mark.parametrize(
    "leak",
    [
        NUMBER.encode(),
        NUMBER.encode("utf-16-le"),
        NUMBER.encode().hex().encode(),
        NUMBER[::-1].encode(),
        bytes.fromhex(NUMBER),
        base64.b64encode(b"x" + NUMBER.encode() + b"yz"),
        base64.b64encode(b"xy" + NUMBER.encode() + b"yz"),
        base64.b64encode(b"xyz" + NUMBER.encode() + b"yz"),
        int(NUMBER).to_bytes(8, "little"),
        int(NUMBER).to_bytes(6, "big"),
        b"+49" + NUMBER.encode(),
    ],
)
def test_a_number_is_found_in_every_coding(tmp_path: Path, leak: bytes) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "box.db-wal").write_bytes(b"\0" * 4097 + leak + b"\xff" * 9)
    assert [find.label for find in scan(tmp_path, [("number", NUMBER)])]


def test_a_name_is_found_in_capitals_url_coded_and_in_a_file_name(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"call from wilhelmine%20%C3%BCberacker".replace(b"%C3%BC", b"%C3%9C"))
    (tmp_path / "Wilhelmine Überacker.wav").write_bytes(b"")
    finds = scan(tmp_path, [("name", NAME)])
    assert {find.coding for find in finds} == {"url", "utf-8"}


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "box.db").write_bytes(bytes(range(256)) * 64)
    assert scan(tmp_path, [("number", NUMBER), ("name", NAME)]) == []


def test_a_canary_too_short_to_mean_anything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too short"):
        scan(tmp_path, [("extension", "101")])
