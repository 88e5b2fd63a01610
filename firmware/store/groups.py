"""Ring groups: their rows, and how the rest of the box sees them."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

from firmware.store.checks import MAX_GROUPS, check_group, invalid
from firmware.store.errors import Invalid
from firmware.store.model import Group, Strategy, new_id

if TYPE_CHECKING:
    from firmware.store.engine import Engine, Session
    from firmware.store.rows import Row
    from firmware.store.writer import Writer

_LAST = 0
"""The position of who has the call in the end; members count from 1."""


class Groups:
    """The ring groups of the tenant. Reads come from memory, writes return futures, done when durable."""

    def __init__(self, engine: "Engine", writer: "Writer", tenant: str) -> None:
        self._engine = engine
        self._writer = writer
        self._tenant = tenant

    def list(self) -> tuple[Group, ...]:
        """Return all, in the order of their numbers."""
        everyone = self._engine.state.groups.values()
        return tuple(sorted(everyone, key=lambda group: (len(group.number), group.number)))

    def find(self, number: str) -> Group | None:
        """Return the one that has this number."""
        return next((each for each in self._engine.state.groups.values() if each.number == number), None)

    def add(
        self,
        number: str,
        name: str,
        members: Sequence[str],
        *,
        strategy: Strategy = Strategy.ALL,
        seconds: int = 20,
        last: str | None = None,
    ) -> Future[Group]:
        """Add a group. Raises Invalid, now or from the future."""
        group = Group(new_id(), self._tenant, number, name, strategy, seconds, tuple(members), last)

        def run(session: "Session") -> Group:
            if len(session.state.groups) >= MAX_GROUPS:
                raise Invalid(f"there can be at most {MAX_GROUPS} groups", field="number")
            return _write(session, group)

        future: Future[Group] = self._writer.job(run)
        return future

    def change(self, group: Group) -> Future[Group]:
        """Write a group anew, found by its id. Raises Invalid from the future."""

        def run(session: "Session") -> Group:
            _delete(session, group.id)
            return _write(session, group)

        future: Future[Group] = self._writer.job(run)
        return future

    def remove(self, group: str) -> Future[None]:
        """Remove a group, found by its id; raises Invalid from the future."""
        future: Future[None] = self._writer.job(lambda session: _delete(session, group))
        return future


def without(groups: dict[str, Group], extension: str) -> dict[str, Group]:
    """Return groups as they are once an extension is gone; one may have nobody left."""
    return {
        key: replace(
            group,
            members=tuple(each for each in group.members if each != extension),
            last=None if group.last == extension else group.last,
        )
        for key, group in groups.items()
    }


def read_groups(session: "Session") -> dict[str, Group]:
    """Read all groups; raises ValueError where one cannot be understood."""
    members: dict[str, dict[int, str]] = {}
    for row in session.rows["group_member"].select(session.database, session.keys):
        position = row["position"]
        if not isinstance(position, int):
            raise ValueError("a position that is no number")  # noqa: TRY004 - the file is wrong, not the caller
        members.setdefault(str(row["ring_group"]), {})[position] = str(row["extension"])
    found = {}
    for row in session.rows["ring_group"].select(session.database, session.keys):
        key, mine = str(row["id"]), members.get(str(row["id"]), {})
        last = mine.pop(_LAST, None)
        found[key] = Group(
            key,
            str(row["tenant"]),
            str(row["digits"]),
            str(row["name"]),
            Strategy(str(row["strategy"])),
            int(str(row["seconds"])),
            tuple(mine[position] for position in sorted(mine)),
            last,
        )
    return found


def _write(session: "Session", group: Group) -> Group:
    state = session.state
    check_group(group, state.extensions)
    taken = {*state.numbers, *(each.number for each in state.groups.values())}
    if group.number in taken:
        raise invalid("the number is in use already", "number", None)
    row: Row = {
        "id": group.id,
        "tenant": group.tenant,
        "digits": group.number,
        "name": group.name,
        "strategy": group.strategy.value,
        "seconds": group.seconds,
    }
    session.rows["ring_group"].insert(session.database, session.keys, row)
    placed = list(enumerate(group.members, _LAST + 1))
    if group.last is not None:
        placed.append((_LAST, group.last))
    for position, extension in placed:
        member: Row = {
            "id": new_id(), "ring_group": group.id, "extension": extension, "position": position,
        }  # fmt: skip
        session.rows["group_member"].insert(session.database, session.keys, member)
    session.state = replace(state, groups={**state.groups, group.id: group})
    return group


def _delete(session: "Session", group: str) -> None:
    if group not in session.state.groups:
        raise Invalid("there is no such group", field="id")
    session.database.execute('DELETE FROM "ring_group" WHERE id = ?', (bytes.fromhex(group),))
    session.state = replace(
        session.state, groups={key: each for key, each in session.state.groups.items() if key != group}
    )
