"""What the demo checks, as values: a line of the table each, and the verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.support import audio
from tests.support.audio import Samples
from tests.support.baresip import UNHEARD

CORRELATION = 0.9
CLOCK = 0.1
DELAY_MS = 40.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: what was looked at, the figure, what it must be, whether it is."""

    what: str
    figure: str
    wanted: str
    good: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """One direction of the conversation: seconds count from the first word of the talker.

    `held` and `resumed`: when the hold began and ended; `ended`: when the call was over.
    """

    name: str
    sent: Samples
    heard: Samples
    held: float
    resumed: float
    ended: float


def speech(talk: Talk) -> list[Line]:
    """Judge one direction: what was said before and after the hold must have been heard, in that order.

    What the phones' own buffers swallow around each change is left out.
    """
    before = audio.find(audio.cut(talk.sent, 0.4, talk.held - UNHEARD), talk.heard)
    after = audio.find(audio.cut(talk.sent, talk.resumed + 0.4, talk.ended - UNHEARD), talk.heard)
    between = audio.find(audio.cut(talk.sent, talk.held + 0.3, talk.resumed - 0.2), talk.heard)
    wanted = f">= {CORRELATION}"
    said = talk.held - UNHEARD - 0.4, talk.ended - talk.resumed - UNHEARD - 0.4
    return [
        Line(
            f"{talk.name}, {said[0]:.1f} s before the hold",
            f"{before.correlation:.4f}",
            wanted,
            before.correlation >= CORRELATION,
        ),
        Line(
            f"{talk.name}, {said[1]:.1f} s after the hold",
            f"{after.correlation:.4f}",
            wanted,
            after.correlation >= CORRELATION and (after.at > before.at or before.correlation < CORRELATION),
        ),
        Line(
            f"{talk.name}, while held",
            f"{between.correlation:.4f}",
            "not heard",
            between.correlation < CORRELATION,
        ),
    ]


def times(record: dict[str, object], observed: dict[str, float]) -> list[Line]:
    """Compare the moments of a call record with those the phones saw (unix seconds)."""
    lines = []
    for field, at in observed.items():
        recorded = record.get(field)
        off = float(recorded) - at if isinstance(recorded, int | float) else None
        figure = "missing" if off is None else f"{off * 1000:+.1f} ms"
        lines.append(
            Line(
                f"call record: {field}",
                figure,
                f"+-{CLOCK * 1000:.0f} ms",
                off is not None and abs(off) <= CLOCK,
            )
        )
    return lines


def delay(box: tuple[float, float], direct: tuple[float, float]) -> list[Line]:
    """Judge the delay the box adds: p50 and p99 in milliseconds, with and without the box between."""
    return [
        Line(
            f"delay added by the box, {name}",
            f"{through - bare:.2f} ms",
            f"<= {DELAY_MS:.0f} ms",
            through - bare <= DELAY_MS,
        )
        for name, through, bare in zip(("p50", "p99"), box, direct, strict=True)
    ]


def table(lines: Sequence[Line]) -> str:
    """Print the lines as aligned columns."""
    wide = [
        max(len(text) for text in column)
        for column in zip(*((a.what, a.figure, a.wanted) for a in lines), strict=True)
    ]
    rows = [
        (f"{a.what:<{wide[0]}}", f"{a.figure:>{wide[1]}}", f"{a.wanted:<{wide[2]}}", a.good) for a in lines
    ]
    return "\n".join(f"  {a}  {b}  {c}  {'ok' if good else 'FAILED'}" for a, b, c, good in rows)
