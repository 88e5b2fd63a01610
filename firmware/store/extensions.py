"""The extensions of the tenant, as the rest of the box sees them."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from firmware.store import people
from firmware.store.checks import check, check_secret, new_secret
from firmware.store.engine import Engine, Session
from firmware.store.model import Extension, Forward, Messages, Occasion, Outward, new_id
from firmware.store.writer import Writer

__all__ = ["Extensions", "new_secret"]


class Extensions:
    """The extensions of the tenant. Reads come from memory, writes return futures, done when durable."""

    def __init__(self, engine: Engine, writer: Writer, tenant: str) -> None:
        self._engine = engine
        self._writer = writer
        self._tenant = tenant

    def list(self) -> tuple[Extension, ...]:
        """Return all, in the order of their numbers."""
        everyone = self._engine.state.extensions.values()
        return tuple(sorted(everyone, key=lambda extension: (len(extension.number), extension.number)))

    def get(self, extension: str) -> Extension | None:
        """Return one by its id."""
        return self._engine.state.extensions.get(extension)

    def find(self, number: str) -> Extension | None:
        """Return the one that has this number or alias."""
        state = self._engine.state
        return state.extensions.get(state.numbers.get(number, ""))

    def add(
        self, number: str, name: str = "", secret: str | None = None, aliases: Sequence[str] = ()
    ) -> Future[Extension]:
        """Add an extension; a secret is made where none is given. Raises Invalid, now or from the future."""
        extension = Extension(new_id(), self._tenant, number, name, secret or new_secret(), tuple(aliases))
        if secret is not None:
            check_secret(secret)
        check(extension)
        future: Future[Extension] = self._writer.job(lambda session: people.add(session, [extension])[0])
        return future

    def change(
        self,
        extension: str,
        *,
        number: str | None = None,
        name: str | None = None,
        secret: str | None = None,
        aliases: Sequence[str] | None = None,
        dnd: bool | None = None,
        outward: Outward | None = None,
        private: bool | None = None,
        messages: Messages | None = None,
        waiting: bool | None = None,
        digest: Sequence[str] | None = None,
    ) -> Future[Extension]:
        """Change what is given, leave the rest. Raises Invalid, now or from the future."""

        def run(session: Session) -> Extension:
            old = people.known(session, extension)
            new = Extension(
                old.id,
                old.tenant,
                old.number if number is None else number,
                old.name if name is None else name,
                old.secret if secret is None else secret,
                old.aliases if aliases is None else tuple(aliases),
                old.forwards,
                old.dnd if dnd is None else dnd,
                old.outward if outward is None else outward,
                private=old.private if private is None else private,
                messages=old.messages if messages is None else messages,
                waiting=old.waiting if waiting is None else waiting,
                digest=old.digest if digest is None else tuple(digest),
            )
            check(new)
            return people.change(session, new)

        if secret is not None:
            check_secret(secret)
        future: Future[Extension] = self._writer.job(run)
        return future

    def forward(
        self, extension: str, occasion: Occasion, target: str | None, seconds: int | None = None
    ) -> Future[Extension]:
        """Send calls elsewhere on one occasion, no longer where `target` is None. Raises Invalid."""

        def run(session: Session) -> Extension:
            old = people.known(session, extension)
            others = [forward for forward in old.forwards if forward.occasion is not occasion]
            if target is not None:
                others.append(Forward(occasion, target, seconds))
            new = replace(old, forwards=people.in_order(others))
            check(new)
            return people.change(session, new)

        future: Future[Extension] = self._writer.job(run)
        return future

    def remove(self, extension: str) -> Future[None]:
        """Erase an extension: its rows go and its key is destroyed, so that no copy can be read any more."""
        future: Future[None] = self._writer.job(lambda session: people.remove(session, extension))
        return future

    def load_csv(self, text: str) -> Future[Sequence[Extension]]:
        """Add the rows of a CSV file, all or none.

        The first line names the columns: number, name, and optionally secret and aliases (separated by
        spaces). Raises Invalid whose text and `values["row"]` tell the row as a spreadsheet counts it: the
        titles are row 1.
        """
        from firmware.store.csvfile import parse

        rows = parse(text, self._tenant)
        future: Future[Sequence[Extension]] = self._writer.job(
            lambda session: people.add(
                session, [extension for _, extension in rows], [row for row, _ in rows]
            )
        )
        return future
