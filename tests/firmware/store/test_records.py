"""Calls, audit entries and registrations: complete, minimal, newest first."""

from dataclasses import replace

import pytest

from firmware.journal import AuditEntry
from firmware.store import CallKind, CallRecord, Store, StoredBinding, new_id
from tests.firmware.store.conftest import Opener

WAIT = 30


def call(caller: str | None, callee: str | None, started: float = 1000.0) -> CallRecord:
    return CallRecord(
        id=new_id(),
        tenant="",
        kind=CallKind.INTERNAL,
        caller=caller,
        callee=callee,
        dialled="055501427731",
        started=started,
        answered=started + 2.25,
        ended=started + 12.5,
        started_boot=50.5,
        answered_boot=52.75,
        ended_boot=63.0,
        boot="ab" * 16,
        cause="normal",
        ended_by="callee",
    )


def test_a_call_comes_back_whole(store: Store) -> None:
    anne, bert = (store.extensions.add(number).result(WAIT).id for number in ("100", "101"))
    made = call(anne, bert)
    unanswered = replace(call(bert, anne, 2000.0), answered=None, answered_boot=None, dialled=None)
    store.record_call(made)
    store.record_call(unanswered)
    assert store.calls().result(WAIT) == [
        replace(unanswered, tenant=store.tenant),
        replace(made, tenant=store.tenant),
    ]


@pytest.mark.parametrize("kind", [CallKind.OUTGOING, CallKind.INCOMING, CallKind.EMERGENCY])
def test_an_outside_number_is_not_stored(store: Store, kind: CallKind) -> None:
    anne = store.extensions.add("100").result(WAIT).id
    store.record_call(replace(call(anne, None), kind=kind))
    (found,) = store.calls().result(WAIT)
    assert (found.kind, found.caller, found.dialled) == (kind, anne, None)


def test_parties_that_are_gone_are_left_out(store: Store) -> None:
    anne = store.extensions.add("100").result(WAIT).id
    gone = store.extensions.add("101").result(WAIT).id
    store.extensions.remove(gone).result(WAIT)
    store.record_call(call(gone, anne))
    store.record_call(call(anne, gone, 2000.0))
    found = store.calls().result(WAIT)
    assert [(record.caller, record.callee, record.dialled) for record in found] == [
        (anne, None, "055501427731"),
        (None, anne, None),
    ]


def test_calls_are_paged_and_picked(store: Store) -> None:
    anne, bert, cleo = (store.extensions.add(number).result(WAIT).id for number in ("100", "101", "102"))
    for at in range(10):
        store.record_call(call(anne, bert if at % 2 else cleo, 1000.0 + at))
    started = [record.started for record in store.calls(3).result(WAIT)]
    assert started == [1009.0, 1008.0, 1007.0]
    assert [record.started for record in store.calls(2, before=1007.0).result(WAIT)] == [1006.0, 1005.0]
    assert len(store.calls(extension=bert).result(WAIT)) == 5
    assert len(store.calls(extension=anne).result(WAIT)) == 10
    assert store.calls(0).result(WAIT) == []


def test_plain_columns_take_fixed_words_only(store: Store) -> None:
    anne = store.extensions.add("100").result(WAIT).id
    store.record_call(replace(call(anne, None), cause="<Ottilie> 055501427731", ended_by="\n"))
    (found,) = store.calls().result(WAIT)
    assert (found.cause, found.ended_by) == ("unknown", "unknown")


def test_audit_entries_are_numbered_in_order_and_go_on_after_a_restart(reopen: Opener) -> None:
    store = reopen()
    first = AuditEntry("operator", "extension.add", "done", "ab" * 16, 1000.0, 5.0, "cd" * 16)
    second = AuditEntry("viewer", "status", "refused", "", 1001.0, 6.0, "cd" * 16)
    store.record_audit(first)
    store.record_audit(second)
    assert store.audit_entries().result(WAIT) == [second, first]
    store = reopen()
    store.record_audit(replace(first, subject="Ottilie 055501427731"))
    assert store.audit_entries(1).result(WAIT) == [replace(first, subject="")]
    numbers = list(store._engine._database.execute("SELECT sequence FROM audit ORDER BY sequence"))
    assert numbers == [(1,), (2,), (3,)]


def binding(extension: str, contact: str, expires: float = 9e9) -> StoredBinding:
    source, local = ("192.0.2.7", 40001), ("192.0.2.1", 5060)
    return StoredBinding(
        extension, contact, "TLS", source, local, "call@192.0.2.7", 17, expires, 700, "<urn:uuid:1>"
    )


def test_registrations_come_back_while_they_last(reopen: Opener) -> None:
    store = reopen()
    anne, bert = (store.extensions.add(number).result(WAIT).id for number in ("100", "101"))
    store.bindings.save(anne, [binding(anne, "sip:a@192.0.2.7"), binding(anne, "sip:old@192.0.2.7", 1.0)])
    store.bindings.save(bert, [binding(bert, "sip:b@192.0.2.8")])
    store.bindings.save(bert, [])
    store = reopen()
    assert store.bindings.load() == [binding(anne, "sip:a@192.0.2.7")]
    assert store.bindings.load() == []
    store.flush().result(WAIT)
    assert list(store._engine._database.execute("SELECT count(*) FROM binding")) == [(1,)]


def test_registrations_replace_each_other_and_are_bounded(reopen: Opener) -> None:
    store = reopen()
    anne = store.extensions.add("100").result(WAIT).id
    store.bindings.save(anne, [binding(anne, "sip:first@192.0.2.7")])
    store.flush().result(WAIT)
    store.bindings.save(anne, [binding(anne, f"sip:{at}@192.0.2.7") for at in range(40)])
    store.bindings.save("00" * 16, [binding("00" * 16, "sip:nobody@192.0.2.7")])
    found = reopen().bindings.load()
    assert sorted(each.contact for each in found) == sorted(f"sip:{at}@192.0.2.7" for at in range(16))
