"""The journal: cheap to write to, bounded, masked, and it survives its sinks."""

import io
import threading

import pytest

from firmware.clock import utc
from firmware.journal import AuditEntry, Journal, Kind, Level, Terminal, Word
from firmware.journal.event import REFUSED
from firmware.journal.journal import AUDIT_LIMIT, Line
from firmware.labels import Personal
from tests.support.clock import ManualClock

REGISTERED = Kind("register", "{extension} registered over {transport}")
QUIET = Kind("quiet", "said quietly", Level.DEBUG)
BROKEN = Kind("broken", "{what} broke: {fault}", Level.ALARM)


class Kept:
    """A sink that keeps lines, and can be made to block or to fail."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.closed = False
        self.gate = threading.Event()
        self.gate.set()
        self.fails = False

    def write(self, lines: list[Line]) -> None:
        assert self.gate.wait(30)
        if self.fails:
            raise OSError(5, "no")
        self.lines += lines

    def close(self) -> None:
        self.closed = True

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.lines]


def journal_of(*sinks: Kept, limit: int = 4096, level: Level = Level.INFO) -> tuple[Journal, ManualClock]:
    clock = ManualClock(now=10.0, wall=1_000_000.0)
    journal = Journal(clock, limit=limit, level=level)
    for sink in sinks:
        journal.add_sink(sink)
    return journal, clock


def test_an_event_becomes_a_line_of_its_moment() -> None:
    kept = Kept()
    journal, clock = journal_of(kept)
    journal.log(REGISTERED, extension=Personal("ext", "4711"), transport=Word("UDP"))
    clock.advance(5)
    journal.flush()
    (line,) = kept.lines
    assert (line.wall, line.level, line.name) == (1_000_000.0, Level.INFO, "register")
    assert line.text == f"{Personal('ext', '4711')} registered over UDP"
    assert "4711" not in line.text


def test_a_plain_str_is_refused_by_type_and_by_hand() -> None:
    kept = Kept()
    journal, _ = journal_of(kept)
    journal.log(REGISTERED, extension="4711", transport=Word("UDP"))  # type: ignore[arg-type]
    journal.flush()
    assert kept.texts == [f"{REFUSED} registered over UDP"]
    assert journal.refused == 1


def test_fields_the_text_does_not_name_are_not_shown_and_missing_ones_do_no_harm() -> None:
    kept = Kept()
    journal, _ = journal_of(kept)
    journal.log(REGISTERED, extension=1)
    journal.log(QUIET, transport=Word("UDP"))
    journal.flush()
    assert kept.texts == ["register"]
    assert journal.refused == 1


def test_quiet_events_are_left_out_unless_asked_for() -> None:
    kept = Kept()
    journal, _ = journal_of(kept, level=Level.DEBUG)
    journal.log(QUIET)
    journal.flush()
    assert kept.texts == ["said quietly"]


def test_an_exception_is_journalled_without_its_text() -> None:
    kept = Kept()
    journal, _ = journal_of(kept)
    journal.fault(BROKEN, ValueError("Ottilie"), what=Word("the call"))
    journal.flush()
    assert kept.texts == ["the call broke: ValueError at ?"]


def test_beyond_the_bound_events_are_counted_and_reported() -> None:
    kept = Kept()
    journal, _ = journal_of(kept, limit=600)
    for number in range(1000):
        journal.log(REGISTERED, extension=number, transport=None)
    assert journal.lost == 400
    journal.flush()
    assert len(kept.lines) == 601
    assert kept.texts[0] == "0 registered over -"
    assert [line.name for line in kept.lines].count("journal.lost") == 1
    assert any(text.startswith("400 events lost") for text in kept.texts)
    journal.log(REGISTERED, extension=1, transport=None)
    journal.flush()
    assert len(kept.lines) == 602


def test_the_thread_writes_everything_and_close_waits_for_it() -> None:
    kept = Kept()
    journal, _ = journal_of(kept)
    journal.start()

    def work() -> None:
        for number in range(500):
            journal.log(REGISTERED, extension=number, transport=None)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    journal.close()
    assert len(kept.lines) == 2000
    assert kept.closed


def test_an_idle_thread_notices_the_next_event() -> None:
    kept = Kept()
    seen = threading.Event()
    journal, _ = journal_of(kept)
    kept.write = lambda lines: seen.set()  # type: ignore[method-assign]
    journal.start()
    for _ in range(3):
        seen.clear()
        journal.log(REGISTERED, extension=1, transport=None)
        assert seen.wait(30)
    journal.close()


def test_a_blocked_sink_blocks_nobody_who_logs() -> None:
    kept = Kept()
    kept.gate.clear()
    journal, _ = journal_of(kept, limit=100)
    journal.start()
    for number in range(500):
        journal.log(REGISTERED, extension=number, transport=None)
    assert journal.lost > 0
    kept.gate.set()
    journal.close()
    assert kept.texts[0] == "0 registered over -"


def test_a_failing_sink_is_dropped_and_the_others_told() -> None:
    good, bad = Kept(), Kept()
    bad.fails = True
    journal, _ = journal_of(bad, good)
    journal.log(REGISTERED, extension=1, transport=None)
    journal.flush()
    journal.log(REGISTERED, extension=2, transport=None)
    journal.flush()
    names = [line.name for line in good.lines]
    assert names.count("register") == 2
    assert names.count("journal.sink") == 1
    assert bad.lines == []


def test_audit_entries_wait_for_the_store_and_then_go_there() -> None:
    journal, clock = journal_of()
    entered: list[AuditEntry] = []
    journal.audit(Level.INFO, Word("extension.add"), Word("done"), "ab" * 16)
    journal.audit_to(entered.append)
    journal.audit(Word("operator"), Word("extension.remove"), Word("refused"))
    assert [(entry.role, entry.operation, entry.outcome, entry.subject) for entry in entered] == [
        ("1", "extension.add", "done", "ab" * 16),
        ("operator", "extension.remove", "refused", ""),
    ]
    assert (entered[0].wall, entered[0].now, entered[0].boot) == (clock.wall(), clock.now(), clock.boot())


def test_audit_entries_lost_before_the_store_is_open_are_told() -> None:
    kept = Kept()
    journal, _ = journal_of(kept)
    entered: list[AuditEntry] = []
    for _ in range(AUDIT_LIMIT + 3):
        journal.audit(Word("operator"), Word("status"), Word("done"))
    journal.audit_to(entered.append)
    journal.flush()
    assert len(entered) == AUDIT_LIMIT
    assert [line.name for line in kept.lines] == ["journal.audit.lost"]
    assert kept.texts[0].startswith("3 ")


@pytest.mark.parametrize(("level", "mark"), [(Level.INFO, " "), (Level.WARNING, "!"), (Level.ALARM, "*")])
def test_the_terminal_prints_readable_lines(level: Level, mark: str) -> None:
    stream = io.StringIO()
    Terminal(stream).write([Line(1_000_000.25, level, "register", "somebody registered")])
    text = stream.getvalue()
    assert text.endswith(f"{mark} somebody registered\n")
    assert text[5:12] == utc(1_000_000.25)[16:23]
