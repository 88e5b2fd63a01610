"""Rows of calls, audit entries and registrations, to and from their values."""

import re
from typing import TYPE_CHECKING, Any

from firmware.journal import AuditEntry
from firmware.store.model import CallKind, CallRecord, StoredBinding, new_id

if TYPE_CHECKING:
    from firmware.store.engine import Session

MAX_BINDINGS = 16
MAX_DIALLED = 64

_WORD = re.compile(r"[a-z][a-z0-9_. -]{0,39}|UDP|TCP|TLS|WS|WSS")
_LINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,39}")
_ID = re.compile(r"[0-9a-f]{32}")


def insert_call(session: "Session", call: CallRecord) -> None:
    """Insert a finished call. Parties that are gone are left out; digits are kept for internal calls only."""
    known = session.state.extensions
    caller = call.caller if call.caller in known else None
    callee = call.callee if call.callee in known else None
    dialled = call.dialled if call.kind is CallKind.INTERNAL and caller is not None else None
    session.rows["call"].insert(
        session.database,
        session.keys,
        {
            "id": call.id,
            "tenant": call.tenant or session.tenant,
            "kind": call.kind.value,
            "caller": caller,
            "callee": callee,
            "dialled": dialled[:MAX_DIALLED] if dialled else None,
            "started": call.started,
            "answered": call.answered,
            "ended": call.ended,
            "started_boot": call.started_boot,
            "answered_boot": call.answered_boot,
            "ended_boot": call.ended_boot,
            "boot": call.boot,
            "cause": _word(call.cause),
            "ended_by": _word(call.ended_by),
            "line": call.line if call.line and _LINE.fullmatch(call.line) else None,
        },
    )


def read_calls(
    session: "Session", limit: int, before: float | None, extension: str | None
) -> list[CallRecord]:
    """Read calls, newest first, all or one extension's, with the digits decrypted."""
    wanted, values = [], []
    if before is not None:
        wanted.append("started < ?")
        values.append(before)
    if extension is not None:
        wanted.append("(caller = ? OR callee = ?)")
        values += [bytes.fromhex(extension)] * 2  # type: ignore[list-item]
    where = f"WHERE {' AND '.join(wanted)} " if wanted else ""
    rows = session.rows["call"].select(
        session.database, session.keys, f"{where}ORDER BY started DESC LIMIT ?", *values, limit
    )
    return [_call(row) for row in rows]


def _call(row: dict[str, Any]) -> CallRecord:
    return CallRecord(**{**row, "kind": CallKind(row["kind"])})


def insert_audit(session: "Session", entry: AuditEntry) -> None:
    """Append an audit entry under the next sequence number."""
    session.rows["audit"].insert(
        session.database,
        session.keys,
        {
            "id": new_id(),
            "sequence": session.sequence + 1,
            "role": _word(entry.role),
            "operation": _word(entry.operation),
            "outcome": _word(entry.outcome),
            "subject": entry.subject if _ID.fullmatch(entry.subject) else None,
            "wall": entry.wall,
            "now": entry.now,
            "boot": entry.boot,
        },
    )
    session.sequence += 1


def read_audit(session: "Session", limit: int) -> list[AuditEntry]:
    """Read audit entries, newest first."""
    rows: Any = session.rows["audit"].select(
        session.database, session.keys, "ORDER BY sequence DESC LIMIT ?", limit
    )
    return [
        AuditEntry(
            row["role"],
            row["operation"],
            row["outcome"],
            row["subject"] or "",
            row["wall"],
            row["now"],
            row["boot"],
        )
        for row in rows
    ]


def insert_bindings(session: "Session", extension: str, bindings: tuple[StoredBinding, ...]) -> None:
    """Replace the registrations of one extension; nothing is kept of earlier ones."""
    if extension not in session.state.extensions:
        return
    session.database.execute('DELETE FROM "binding" WHERE extension = ?', (bytes.fromhex(extension),))
    for binding in bindings[:MAX_BINDINGS]:
        session.rows["binding"].insert(
            session.database,
            session.keys,
            {
                "id": new_id(),
                "extension": extension,
                "contact": binding.contact,
                "transport": _word(binding.transport),
                "source_host": binding.source[0],
                "source_port": binding.source[1],
                "local_host": binding.local[0],
                "local_port": binding.local[1],
                "call_id": binding.call_id,
                "cseq": binding.cseq,
                "expires": binding.expires,
                "q": binding.q,
                "instance": binding.instance,
                "path": binding.path,
            },
        )


def read_bindings(session: "Session") -> list[StoredBinding]:
    """Read all registrations, lapsed ones too."""
    rows: Any = session.rows["binding"].select(session.database, session.keys)
    return [
        StoredBinding(
            row["extension"],
            row["contact"],
            row["transport"],
            (row["source_host"], row["source_port"]),
            (row["local_host"], row["local_port"]),
            row["call_id"],
            row["cseq"],
            row["expires"],
            row["q"],
            row["instance"],
            row["path"] or "",
        )
        for row in rows
    ]


def _word(text: str) -> str:
    """Keep plain columns free of anything but our own fixed words."""
    return text if _WORD.fullmatch(text) else "unknown"
