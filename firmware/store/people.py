"""Adding, changing, erasing and reading extensions inside a transaction."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from firmware.store.checks import MAX_EXTENSIONS, invalid
from firmware.store.errors import Invalid
from firmware.store.groups import without
from firmware.store.keys import KEY_BYTES
from firmware.store.model import (
    AS_THE_SITE_SAYS,
    NO_MESSAGES,
    Extension,
    Forward,
    Messages,
    Occasion,
    Outward,
    Reach,
    new_id,
)
from firmware.store.rows import Row

if TYPE_CHECKING:
    from firmware.store.engine import Session

DO_NOT_DISTURB = "do-not-disturb"
"""Stands among the occasions of the table."""
ONE_CALL = "one-call"
"""Stands there, too: no call waiting."""


def add(session: "Session", fresh: list[Extension], rows: Sequence[int] = ()) -> list[Extension]:
    """Insert extensions with a new key each; raises Invalid, with its row, for a number that is taken."""
    everyone = dict(session.state.extensions)
    if len(everyone) + len(fresh) > MAX_EXTENSIONS:
        raise Invalid(f"there can be at most {MAX_EXTENSIONS} extensions", field="number")
    taken = {*session.state.numbers, *(group.number for group in session.state.groups.values())}
    for at, extension in enumerate(fresh):
        numbers = {extension.number, *extension.aliases}
        if numbers & taken:
            raise invalid("the number or an alias is in use already", "number", rows[at] if rows else None)
        taken |= numbers
        session.keys[extension.id] = os.urandom(KEY_BYTES)
        everyone[extension.id] = extension
        session.rows["extension"].insert(session.database, session.keys, _row(extension))
        _insert_numbers(session, extension)
        _insert_diversions(session, extension)
        _insert_outward(session, extension)
        _insert_messages(session, extension)
    session.state = session.state.with_extensions(everyone)
    return fresh


def _row(extension: Extension) -> Row:
    return {
        "id": extension.id,
        "tenant": extension.tenant,
        "name": extension.name,
        "secret": extension.secret,
        "private": int(extension.private),
        "digest": " ".join(extension.digest) or None,
    }


def _insert_numbers(session: "Session", extension: Extension) -> None:
    for position, digits in enumerate((extension.number, *extension.aliases)):
        row: Row = {
            "id": new_id(),
            "tenant": extension.tenant,
            "extension": extension.id,
            "position": position,
            "digits": digits,
        }
        session.rows["number"].insert(session.database, session.keys, row)


def _insert_diversions(session: "Session", extension: Extension) -> None:
    found: list[tuple[str, str | None, int | None]] = [
        (forward.occasion.value, forward.target, forward.seconds) for forward in extension.forwards
    ]
    if extension.dnd:
        found.append((DO_NOT_DISTURB, None, None))
    if not extension.waiting:
        found.append((ONE_CALL, None, None))
    for occasion, target, seconds in found:
        row: Row = {
            "id": new_id(),
            "extension": extension.id,
            "occasion": occasion,
            "target": target,
            "seconds": seconds,
        }
        session.rows["diversion"].insert(session.database, session.keys, row)


def _insert_outward(session: "Session", extension: Extension) -> None:
    wishes = extension.outward
    if wishes == AS_THE_SITE_SAYS:
        return
    row: Row = {
        "extension": extension.id,
        "reach": None if wishes.reach is None else " ".join(sorted(wishes.reach)),
        "countries": None if wishes.countries is None else " ".join(wishes.countries),
        "at_once": wishes.at_once,
        "hourly": wishes.hourly,
        "shown": wishes.shown,
        "help_number": wishes.help_number,
        "location": wishes.location,
    }
    session.rows["outward"].insert(session.database, session.keys, row)


def _insert_messages(session: "Session", extension: Extension) -> None:
    waiting = extension.messages
    if waiting != NO_MESSAGES:
        row: Row = {"extension": extension.id, "new": waiting.new, "old": waiting.old}
        session.rows["mailbox"].insert(session.database, session.keys, row)


def change(session: "Session", new: Extension) -> Extension:
    """Write an extension anew; raises Invalid for a number that is taken."""
    others = {number for number, owner in session.state.numbers.items() if owner != new.id}
    others |= {group.number for group in session.state.groups.values()}
    if others & {new.number, *new.aliases}:
        raise invalid("the number or an alias is in use already", "number", None)
    old = session.state.extensions[new.id]
    person = bytes.fromhex(new.id)
    if _row(old) != _row(new):
        session.rows["extension"].update(session.database, session.keys, _row(new))
    if (old.number, old.aliases) != (new.number, new.aliases):
        session.database.execute('DELETE FROM "number" WHERE extension = ?', (person,))
        _insert_numbers(session, new)
    if (old.forwards, old.dnd, old.waiting) != (new.forwards, new.dnd, new.waiting):
        session.database.execute('DELETE FROM "diversion" WHERE extension = ?', (person,))
        _insert_diversions(session, new)
    if old.outward != new.outward:
        session.database.execute('DELETE FROM "outward" WHERE extension = ?', (person,))
        _insert_outward(session, new)
    if old.messages != new.messages:
        session.database.execute('DELETE FROM "mailbox" WHERE extension = ?', (person,))
        _insert_messages(session, new)
    session.state = session.state.with_extensions({**session.state.extensions, new.id: new})
    return new


def remove(session: "Session", extension: str) -> None:
    """Do all that the erase rules of the schema demand, and give up the key."""
    known(session, extension)
    for rows in reversed(session.rows.values()):  # what refers to a row goes before it
        rows.erase(session.database, extension)
    del session.keys[extension]
    everyone = dict(session.state.extensions)
    del everyone[extension]
    session.state = replace(
        session.state.with_extensions(everyone), groups=without(session.state.groups, extension)
    )


def known(session: "Session", extension: str) -> Extension:
    """Return the extension as it is in this transaction; raises Invalid where there is none."""
    found = session.state.extensions.get(extension)
    if found is None:
        raise Invalid("there is no such extension", field="id")
    return found


def read_extensions(session: "Session") -> dict[str, Extension]:
    """Read all extensions; raises ValueError where one cannot be read with the keys there are."""
    numbers: dict[str, dict[int, str]] = {}
    for row in session.rows["number"].select(session.database, session.keys):
        numbers.setdefault(str(row["extension"]), {})[_whole(row["position"])] = _text(row["digits"])
    diversions: dict[str, list[Row]] = {}
    for row in session.rows["diversion"].select(session.database, session.keys):
        diversions.setdefault(str(row["extension"]), []).append(row)
    outward = {
        str(row["extension"]): _outward(row)
        for row in session.rows["outward"].select(session.database, session.keys)
    }
    waiting = {
        str(row["extension"]): Messages(_whole(row["new"]), _whole(row["old"]))
        for row in session.rows["mailbox"].select(session.database, session.keys)
    }
    everyone = {}
    for row in session.rows["extension"].select(session.database, session.keys):
        key = str(row["id"])
        mine = numbers.get(key, {})
        ordered = [mine[position] for position in sorted(mine)]
        if not ordered:
            raise ValueError("an extension without a number")
        rules = diversions.get(key, [])
        everyone[key] = Extension(
            key,
            str(row["tenant"]),
            ordered[0],
            _text(row["name"]),
            _text(row["secret"]),
            tuple(ordered[1:]),
            in_order(_forward(rule) for rule in rules if rule["occasion"] not in (DO_NOT_DISTURB, ONE_CALL)),
            any(rule["occasion"] == DO_NOT_DISTURB for rule in rules),
            outward.get(key, AS_THE_SITE_SAYS),
            private=bool(row["private"]),
            messages=waiting.get(key, NO_MESSAGES),
            waiting=all(rule["occasion"] != ONE_CALL for rule in rules),
            digest=() if row["digest"] is None else tuple(_text(row["digest"]).split()),
        )
    return everyone


def in_order(forwards: Iterable[Forward]) -> tuple[Forward, ...]:
    """Return forwards in the order of the occasions, so that equal sets are equal."""
    order = list(Occasion)
    return tuple(sorted(forwards, key=lambda forward: order.index(forward.occasion)))


def _forward(row: Row) -> Forward:
    seconds = row["seconds"]
    return Forward(
        Occasion(_text(row["occasion"])), _text(row["target"]), None if seconds is None else _whole(seconds)
    )


def _outward(row: Row) -> Outward:
    reach, countries, at_once, hourly = row["reach"], row["countries"], row["at_once"], row["hourly"]
    return Outward(
        None if reach is None else frozenset(map(Reach, _text(reach).split())),
        None if countries is None else tuple(_text(countries).split()),
        None if at_once is None else _whole(at_once),
        None if hourly is None else _whole(hourly),
        _text(row["shown"]),
        _text(row["help_number"]),
        _text(row["location"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a person's row cannot be read")  # noqa: TRY004 - the file is wrong, not the caller
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError("a whole number that is none")  # noqa: TRY004 - the file is wrong, not the caller
    return value
