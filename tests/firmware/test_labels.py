"""Personal data in the log: one pseudonym per value and start, never the value."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from firmware.labels import Basis, Personal, Retention


@given(st.text(st.characters(), min_size=4))
def test_the_value_is_never_printed(value: str) -> None:
    mine = Personal("num", value)
    for shown in (str(mine), repr(mine), f"{mine}", f"{mine!s:>20}", f"{[mine]}", f"{({'a': mine},)}"):
        assert value not in shown
        assert "num~" in shown


def test_equal_values_look_alike_and_different_ones_differ() -> None:
    shown = {str(Personal("ext", str(number))) for number in range(100, 160)}
    assert len(shown) == 60
    assert str(Personal("ext", "100")) in shown
    assert Personal("ext", "100") == Personal("ext", "100") != Personal("num", "100")
    assert len({Personal("ext", "100"), Personal("ext", "100")}) == 1


def test_the_next_start_has_other_pseudonyms() -> None:
    program = "from firmware.labels import Personal; print(Personal('ext', '100'))"
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True) for _ in range(2)
    ]
    assert runs[0].stdout != runs[1].stdout
    assert all(run.stdout.startswith(b"ext~") for run in runs)


def test_the_grounds_are_the_letters_of_article_6() -> None:
    assert {basis.value for basis in Basis} == {"a", "b", "c", "d", "e", "f", "-"}


def test_whatever_ends_by_itself_ends_after_days() -> None:
    assert Retention.CALL_RECORD.days == 30
    assert Retention.WITH_EXTENSION.days is None
    assert all(retention.days is None or retention.days > 0 for retention in Retention)
