"""How good calls were: kept with a record, without one not at all."""

import pytest

from firmware.store import CallKind, CallRecord, Store, new_id
from firmware.store.quality import CallQuality

WAIT = 30


def record(store: Store, call: str, caller: str | None, ended: float) -> CallRecord:
    times = (ended - 5, ended - 4, ended, 1.0, 2.0, 6.0)
    return CallRecord(call, "", CallKind.INTERNAL, caller, None, None, *times, "ab" * 16, "normal", "caller")


def test_it_comes_back_with_the_speaker_and_the_end_of_the_record(store: Store) -> None:
    anne = store.extensions.add("100", "Anne").result(WAIT)
    first, second = new_id(), new_id()
    for call, ended in ((first, 100.0), (second, 200.0)):
        store.record_call(record(store, call, anne.id, ended))
    said = CallQuality(first, "caller", "pcma", 250, 3, 1.5, 40.25, 4.2, 0)
    heard = CallQuality(first, "callee", "pcma", 249, 0, 0.5, None, 4.4, 1)
    later = CallQuality(second, "caller", "opus", 50, 0, 0.0, None, 4.1, 0)
    for found in (heard, said, later):
        store.record_quality(found)
    store.flush().result(WAIT)
    newest, other, one = store.qualities().result(WAIT)
    assert (newest.call, newest.ended) == (second, 200.0)
    assert (one.side, one.speaker, one.ended, one.lost, one.round_trip) == ("callee", None, 100.0, 0, None)
    assert (other.side, other.speaker, other.lost, other.round_trip) == ("caller", anne.id, 3, 40.25)
    assert len(store.qualities(1).result(WAIT)) == 1


def test_without_a_record_nothing_is_kept_and_who_goes_is_forgotten(store: Store) -> None:
    anne = store.extensions.add("100", "Anne").result(WAIT)
    call = new_id()
    store.record_call(record(store, call, anne.id, 100.0))
    store.record_quality(CallQuality(new_id(), "caller", "pcma", 1, 0, 0.0, None, 4.4, 0))
    store.record_quality(CallQuality(call, "caller", "Anne's codec", 1, 0, 0.0, None, 4.4, 0))
    store.flush().result(WAIT)
    [kept] = store.qualities().result(WAIT)
    assert (kept.call, kept.codec, kept.speaker) == (call, "", anne.id)
    store.extensions.remove(anne.id).result(WAIT)
    [kept] = store.qualities().result(WAIT)
    assert kept.speaker is None


@pytest.mark.parametrize("side", ["", "caller, ended", "both"])
def test_a_call_has_two_sides(store: Store, side: str) -> None:
    store.record_quality(CallQuality(new_id(), side, "pcma", 1, 0, 0.0, None, 4.4, 0))
    store.flush().result(WAIT)
    assert store.qualities().result(WAIT) == []
