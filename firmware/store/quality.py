"""How good calls were, kept only while the site monitors quality (`[media] monitor`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from firmware.store.model import new_id

if TYPE_CHECKING:
    from firmware.store.engine import Session

_CODEC = re.compile(r"[a-z0-9-]{0,20}")
SIDES = ("caller", "callee")


@dataclass(frozen=True, slots=True)
class CallQuality:
    """One direction of a call that is over: `side` ("caller" or "callee") spoke.

    `jitter` and `round_trip` in milliseconds, `mos` from 1 to 4.5 (ITU-T G.107). `quiet`: how often the side
    was not heard while the other talked. `speaker`, an extension's id, and `ended` (unix seconds) come from
    the call's record.
    """

    call: str
    side: str
    codec: str
    packets: int
    lost: int
    jitter: float
    round_trip: float | None
    mos: float
    quiet: int
    speaker: str | None = None
    ended: float = 0.0


def insert_quality(session: Session, found: CallQuality) -> None:
    """Insert it, if there is a record of that call; nothing is kept of a call that has none."""
    if found.side not in SIDES:
        raise ValueError("a call has two sides")
    rows = session.database.execute(
        f'SELECT {found.side}, ended FROM "call" WHERE id = ?',  # noqa: S608 - one of two words
        (bytes.fromhex(found.call),),
    )
    for speaker, ended in rows.fetchall():  # one or none
        session.rows["quality"].insert(
            session.database,
            session.keys,
            {
                "id": new_id(),
                "call": found.call,
                "speaker": speaker.hex() if isinstance(speaker, bytes) else None,
                "side": found.side,
                "ended": ended,
                "codec": found.codec if _CODEC.fullmatch(found.codec) else "",
                "packets": found.packets,
                "lost": found.lost,
                "jitter": found.jitter,
                "round_trip": found.round_trip,
                "mos": found.mos,
                "quiet": found.quiet,
            },
        )


def read_quality(session: Session, limit: int) -> list[CallQuality]:
    """Read directions, those of the calls that ended last first, each call's caller before its callee."""
    rows: Any = session.rows["quality"].select(
        session.database, session.keys, "ORDER BY ended DESC, call, side DESC LIMIT ?", limit
    )
    return [CallQuality(**{name: value for name, value in row.items() if name != "id"}) for row in rows]
