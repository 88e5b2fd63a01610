"""The log file: bounded, private, complete up to its bound."""

from pathlib import Path

from firmware.journal import CappedFile, Level
from firmware.journal.journal import Line


def line(text: str) -> Line:
    return Line(1_769_860_984.125, Level.WARNING, "register", text)


def test_lines_carry_time_level_and_name(tmp_path: Path) -> None:
    path = tmp_path / "log"
    sink = CappedFile(str(path))
    sink.write([line("one"), line("zwölf")])
    sink.close()
    again = CappedFile(str(path))
    again.write([line("three")])
    again.close()
    start = "2026-01-31T12:03:04.125Z warning register "
    assert path.read_text("utf-8") == f"{start}one\n{start}zwölf\n{start}three\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_file_never_outgrows_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "log"
    sink = CappedFile(str(path), limit=1000)
    for number in range(100):
        sink.write([line(f"event {number}")])
        assert path.stat().st_size <= 1000
    sink.write([line("x" * 5000)])
    sink.close()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["log", "log.1"]
    assert all(file.stat().st_size <= 1000 for file in files)
    assert "event 99" in (tmp_path / "log.1").read_text("utf-8")


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "victim"
    target.write_text("untouched")
    (tmp_path / "log").symlink_to(target)
    try:
        CappedFile(str(tmp_path / "log"))
    except OSError:
        assert target.read_text() == "untouched"
    else:
        raise AssertionError("followed a link")
