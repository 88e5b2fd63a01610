"""The compiled program that the repository carries is what its source says; nothing else is taken for it."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.kernel.program import OBJECT, BadObject, Program

ROOM = Path(__file__).parents[3] / "rtp" / "kernel"
DATA = (ROOM / OBJECT).read_bytes()


@pytest.mark.native
@pytest.mark.skipif(
    not shutil.which("clang-14"), reason="no clang-14: the object is not compared to its source"
)
def test_a_rebuild_gives_the_same_program_and_maps(tmp_path: Path) -> None:
    subprocess.run(["sh", ROOM / "build.sh", tmp_path / "made.o"], check=True, timeout=60)
    assert Program.parse((tmp_path / "made.o").read_bytes()) == Program.parse(DATA)


def test_what_the_object_holds() -> None:
    program = Program.parse(DATA)
    assert program.licence == "Dual BSD/GPL"
    assert {name: layout[1:3] for name, layout in program.maps.items()} == {
        "legs": (36, 56),
        "statistics": (4, 88),
        "budgets": (4, 16),
    }
    assert len(program.instructions) % 8 == 0


@given(st.integers(0, len(DATA) - 1))
def test_a_file_cut_short_is_refused_or_whole(length: int) -> None:
    try:
        assert Program.parse(DATA[:length]) == Program.parse(DATA)
    except BadObject:
        return


@given(st.binary(max_size=200))
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(BadObject):
        Program.parse(data)
