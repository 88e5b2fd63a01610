"""Nothing readable: planted names, numbers, secrets and addresses are in no file the box leaves behind."""

import shutil
from pathlib import Path

from firmware.clock import Clock
from firmware.journal import CappedFile, Journal, Kind, Word
from firmware.labels import Personal
from firmware.store import CallKind, CallRecord, FileKey, Occasion, Store, StoredBinding, new_id
from firmware.store.model import Outward
from tests.support.bytescan import scan

WAIT = 30
NAME = "Kanarienvogel"
SECRET = "Zq8rTn4wXk2bLm6v"
NUMBER = "471182"
ALIAS = "055501427731"
OTHER_ALIAS = "+4930901820"
CONTACT = "sip:kanarie@198.51.100.77:40123"
SOURCE = "198.51.100.77"
CALL_ID = "a84b4c76e66710@198.51.100.77"
FORWARD = "004930227700"
INSTANCE = "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"
SHOWN = "+493055001133"
HELP = "+493055001144"
PLACE = "Kanarienzimmer im zweiten Stock"
BLOB = "-----BEGIN PRIVATE KEY-----"

CANARIES = [
    ("name", NAME),
    ("secret", SECRET),
    ("number", NUMBER),
    ("alias", ALIAS),
    ("other alias", OTHER_ALIAS[1:]),
    ("forward", FORWARD),
    ("contact", CONTACT),
    ("source", SOURCE),
    ("call id", CALL_ID),
    ("instance", INSTANCE),
    ("tls key", BLOB),
    ("shown", SHOWN[1:]),
    ("help number", HELP[1:]),
    ("location", PLACE),
]

SAID = Kind("said", "{who} at {where} dialled {what}: {fault}")


def use_everything(store: Store, journal: Journal) -> None:
    """Plant the canaries through every door there is, good and bad."""
    anne = store.extensions.add(NUMBER, NAME, SECRET, [ALIAS]).result(WAIT)
    rows = f"number,name,secret,aliases\n102,{NAME} II,{SECRET}x,{OTHER_ALIAS}\n"
    (bert,) = store.extensions.load_csv(rows).result(WAIT)
    store.extensions.change(bert.id, name=f"{NAME} III", secret=SECRET + "y").result(WAIT)
    assert store.extensions.add(NUMBER, NAME).exception(WAIT) is not None
    store.extensions.forward(anne.id, Occasion.BUSY, FORWARD).result(WAIT)
    store.extensions.change(bert.id, dnd=True).result(WAIT)
    store.extensions.change(anne.id, outward=Outward(shown=SHOWN, help_number=HELP, location=PLACE)).result(
        WAIT
    )
    store.groups.add("600", "Sales", [anne.id, bert.id]).result(WAIT)
    store.secrets.put("tls.key", BLOB.encode() * 20).result(WAIT)
    times = (1000.0, None, 1010.0, 1.0, None, 11.0)
    for kind in CallKind:
        for _ in range(20):
            record = CallRecord(
                new_id(), "", kind, anne.id, bert.id, ALIAS, *times, "ab" * 16, NAME + "1", NAME + "!"
            )
            store.record_call(record)
    store.bindings.save(
        anne.id,
        [
            StoredBinding(
                anne.id, CONTACT, "UDP", (SOURCE, 40123), ("127.0.0.1", 5060), CALL_ID, 1, 9e9, 1, INSTANCE
            )
        ],
    )
    store.flush().result(WAIT)
    for call in store.calls().result(WAIT):
        assert call.dialled == (ALIAS if call.kind is CallKind.INTERNAL else None)
    fault = ValueError(f"{NAME} {ALIAS} {SECRET}")
    journal.fault(
        SAID, fault, who=Personal("ext", NUMBER), where=Personal("addr", SOURCE), what=Personal("num", ALIAS)
    )
    journal.log(SAID, who=NAME, where=CONTACT, what=ALIAS)  # type: ignore[arg-type]
    journal.audit(Word("operator"), Word("extension.add"), Word("done"), anne.id)
    journal.flush()


def test_no_file_holds_a_canary(directory: str, tmp_path: Path, eager: None) -> None:
    keys = FileKey.create(directory)
    journal = Journal(Clock())
    store = Store.create(directory, keys, journal=journal)
    journal.add_sink(CappedFile(str(Path(directory, "journal.log"))))
    journal.audit_to(store.record_audit)
    use_everything(store, journal)
    killed = tmp_path / "killed"
    shutil.copytree(directory, killed)  # as after kill -9: the write-ahead log is full and nothing was folded
    assert (killed / "store.db-wal").stat().st_size > 0
    assert (killed / "journal.log").stat().st_size > 0
    assert scan(killed, CANARIES) == []
    store.close()
    journal.close()
    assert scan(Path(directory), CANARIES) == []
    store = Store.open(str(killed), FileKey(str(killed)))
    try:
        found = store.extensions.find(ALIAS)
        assert found is not None
        assert (found.name, found.secret) == (NAME, SECRET)
        for extension in store.extensions.list():
            store.extensions.remove(extension.id).result(WAIT)
    finally:
        store.close()
    assert scan(killed, CANARIES) == []


def test_plain_columns_hold_no_canary_behind_the_page_cipher(directory: str, eager: None) -> None:
    """Whoever has the box key still finds only sealed cells about people."""
    store = Store.create(directory, FileKey.create(directory))
    journal = Journal(Clock())
    journal.audit_to(store.record_audit)
    use_everything(store, journal)
    database = store._engine._database
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    cells = [
        cell if isinstance(cell, bytes) else str(cell).encode()
        for table in tables
        if table != "secret"
        for row in database.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names of our own tables
        for cell in row
    ]
    assert len(cells) > 1000
    for label, canary in CANARIES:
        assert not any(canary.encode() in cell for cell in cells), label
    store.close()
