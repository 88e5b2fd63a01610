"""A store in a fresh directory, with a writer that does not wait between commits."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware.store import FileKey, Store, writer


@pytest.fixture
def directory(tmp_path: Path) -> str:
    """Return where the store is to be."""
    return str(tmp_path / "state")


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every batch be committed at once."""
    monkeypatch.setattr(writer, "COMMIT_SECONDS", 0.0)
    monkeypatch.setattr(writer, "BINDINGS_SECONDS", 0.0)
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.05)


Opener = Callable[[], Store]


@pytest.fixture
def reopen(directory: str, eager: None) -> Iterator[Opener]:
    """Return a function that opens the store, made at the first call; the one before is closed by it."""
    opened: list[Store] = []

    def again() -> Store:
        if opened:
            opened.pop().close()
        keys = FileKey.create(directory)
        make = Store.open if Store.exists(directory) else Store.create
        opened.append(make(directory, keys))
        return opened[-1]

    yield again
    if opened:
        opened.pop().close()


@pytest.fixture
def store(reopen: Opener) -> Store:
    """Return a new store."""
    return reopen()
