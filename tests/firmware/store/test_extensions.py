"""Extensions: unique numbers, changes that last, erasure that shreds, imports that are all or nothing."""

import asyncio
from typing import Any

import pytest

from firmware.store import (
    CallKind,
    CallRecord,
    Extension,
    Forward,
    Invalid,
    Occasion,
    Store,
    StoredBinding,
    new_id,
)
from firmware.store.model import Messages, Outward, Reach
from firmware.store.ring import KEYRING, KeyRing
from tests.firmware.store.conftest import Opener

WAIT = 30


def test_an_added_extension_is_found_by_all_its_numbers(store: Store) -> None:
    made = store.extensions.add("100", "Ottilie", "Abc1Def2Ghi3Jkl4", ["055501427731", "+49301"]).result(WAIT)
    assert made == Extension(made.id, store.tenant, "100", "Ottilie", "Abc1Def2Ghi3Jkl4", made.aliases)
    assert made.aliases == ("055501427731", "+49301")
    for number in ("100", *made.aliases):
        assert store.extensions.find(number) == made
    assert store.extensions.get(made.id) == made
    assert store.extensions.find("101") is None
    assert store.extensions.get("00" * 16) is None
    assert len(store.extensions.add("101").result(WAIT).secret) == 20


def test_they_are_listed_by_number(store: Store) -> None:
    for number in ("200", "1000", "30", "100"):
        store.extensions.add(number).result(WAIT)
    assert [extension.number for extension in store.extensions.list()] == ["30", "100", "200", "1000"]


def test_reprs_and_refusals_name_nobody(store: Store) -> None:
    made = store.extensions.add("4711", "Ottilie", "Abc1Def2Ghi3Jkl4", ["055501427731"]).result(WAIT)
    for value in ("4711", "Ottilie", "Abc1Def2Ghi3Jkl4", "055501427731"):
        assert value not in repr(made)
    with pytest.raises(Invalid) as caught:
        store.extensions.add("4711").result(WAIT)
    assert "4711" not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "aliases"), [("100", []), ("301", []), ("102", ["100"]), ("102", ["301"])]
)
def test_a_number_belongs_to_one(store: Store, reopen: Opener, number: str, aliases: list[str]) -> None:
    first = store.extensions.add("100", aliases=["301"]).result(WAIT)
    with pytest.raises(Invalid, match="in use already"):
        store.extensions.add(number, aliases=aliases).result(WAIT)
    other = store.extensions.add("103").result(WAIT)
    with pytest.raises(Invalid, match="in use already"):
        store.extensions.change(other.id, number=number, aliases=aliases).result(WAIT)
    assert store.extensions.list() == reopen().extensions.list() == (first, other)


def test_two_adds_of_one_number_in_one_batch_give_one(store: Store) -> None:
    futures = [store.extensions.add("100") for _ in range(5)]
    outcomes = [future.exception(WAIT) for future in futures]
    assert sum(outcome is None for outcome in outcomes) == 1
    assert len(store.extensions.list()) == 1


@pytest.mark.parametrize("bad", [{"number": "1"}, {"name": "a\n"}, {"secret": "short"}, {"aliases": ["x"]}])
def test_bad_values_are_refused_in_adding_and_changing(store: Store, bad: dict[str, Any]) -> None:
    made = store.extensions.add("100").result(WAIT)
    with pytest.raises(Invalid):
        store.extensions.add(**{"number": "101", **bad}).result(WAIT)
    with pytest.raises(Invalid):
        store.extensions.change(made.id, **bad).result(WAIT)
    assert store.extensions.list() == (made,)


def test_changes_last_and_leave_the_rest(reopen: Opener) -> None:
    store = reopen()
    made = store.extensions.add("100", "Ottilie", aliases=["301", "302"]).result(WAIT)
    store.extensions.change(made.id, name="Berta").result(WAIT)
    store.extensions.change(made.id, number="105", aliases=["302", "100"]).result(WAIT)
    changed = store.extensions.change(made.id, secret="Abc1Def2Ghi3Jkl4").result(WAIT)
    wanted = Extension(made.id, made.tenant, "105", "Berta", "Abc1Def2Ghi3Jkl4", ("302", "100"))
    assert changed == store.extensions.find("100") == wanted
    assert store.extensions.find("301") is None
    assert reopen().extensions.list() == (wanted,)


def test_what_is_not_there_cannot_be_changed_or_removed(store: Store) -> None:
    for future in (store.extensions.change("00" * 16, name="a"), store.extensions.remove("00" * 16)):
        with pytest.raises(Invalid, match="no such extension"):
            future.result(WAIT)


def test_erasing_takes_rows_and_key_and_leaves_the_others_call(reopen: Opener, directory: str) -> None:
    store = reopen()
    anne, bert = (store.extensions.add(number).result(WAIT) for number in ("100", "101"))
    times = (1000.0, 1001.0, 1010.0, 1.0, 2.0, 11.0)
    for caller, callee in ((anne, bert), (bert, anne)):
        parties = (new_id(), "", CallKind.INTERNAL, caller.id, callee.id, callee.number)
        record = CallRecord(*parties, *times, "ab" * 16, "normal", "callee")
        store.record_call(record)
    source, local = ("10.0.0.9", 5060), ("10.0.0.1", 5060)
    binding = StoredBinding(anne.id, "sip:1@10.0.0.9", "UDP", source, local, "c", 1, 9e9)
    store.bindings.save(anne.id, [binding])
    store.flush().result(WAIT)
    ring_before = store._place.read(KEYRING)
    store.extensions.remove(anne.id).result(WAIT)
    assert store.extensions.list() == (bert,)
    calls = store.calls().result(WAIT)
    assert {(call.caller, call.callee, call.dialled) for call in calls} == {
        (None, bert.id, None),
        (bert.id, None, None),
    }
    assert {call.started for call in calls} == {1000.0}
    assert store._place.read(KEYRING) != ring_before
    ring = KeyRing.open(store._place, store._box_key)
    assert set(ring.keys) == {bert.id}
    store = reopen()
    assert store.bindings.load() == []
    assert store.extensions.find("100") is None
    assert store.extensions.add("100").result(WAIT).id != anne.id


def test_an_import_is_all_or_nothing(reopen: Opener) -> None:
    store = reopen()
    store.extensions.add("104").result(WAIT)
    rows = "number,name\n" + "\n".join(f"{number},Row {number}" for number in range(100, 110))
    with pytest.raises(Invalid, match=r"^row 6: the number or an alias is in use already; nothing") as caught:
        store.extensions.load_csv(rows).result(WAIT)
    assert caught.value.values["row"] == 6
    with pytest.raises(Invalid, match=r"^row 3: "):
        store.extensions.load_csv("number\n100\n1\n").result(WAIT)
    assert [extension.number for extension in store.extensions.list()] == ["104"]
    assert set(KeyRing.open(store._place, store._box_key).keys) == {store.extensions.list()[0].id}
    made = store.extensions.load_csv(rows.replace("104,", "204,")).result(WAIT)
    assert len(made) == 10
    assert len(reopen().extensions.list()) == 11


def test_a_future_can_be_awaited(store: Store) -> None:
    async def add() -> Extension:
        return await asyncio.wrap_future(store.extensions.add("100"))

    assert asyncio.run(add()).number == "100"


def test_forwards_and_do_not_disturb_outlive_a_restart(store: Store, reopen: Opener) -> None:
    made = store.extensions.add("100").result(WAIT)
    store.extensions.forward(made.id, Occasion.NO_ANSWER, "102", 25).result(WAIT)
    store.extensions.forward(made.id, Occasion.ALWAYS, "101").result(WAIT)
    store.extensions.forward(made.id, Occasion.ALWAYS, "+4930901").result(WAIT)
    store.extensions.change(made.id, dnd=True, waiting=False).result(WAIT)
    expected = (Forward(Occasion.ALWAYS, "+4930901"), Forward(Occasion.NO_ANSWER, "102", 25))
    for now in (store, reopen()):
        found = now.extensions.get(made.id)
        assert found is not None
        assert (found.forwards, found.dnd, found.waiting) == (expected, True, False)
    store = reopen()
    store.extensions.forward(made.id, Occasion.ALWAYS, None).result(WAIT)
    store.extensions.change(made.id, dnd=False, name="x").result(WAIT)
    found = reopen().extensions.get(made.id)
    assert found is not None
    assert (found.forwards, found.dnd, found.name, found.waiting) == (expected[1:], False, "x", False)
    store = reopen()
    store.extensions.change(made.id, waiting=True).result(WAIT)
    found = reopen().extensions.get(made.id)
    assert found is not None
    assert found.waiting


@pytest.mark.parametrize(("target", "seconds"), [("anna", None), ("1", None), ("101", 4), ("101", 601)])
def test_a_forward_that_makes_no_sense_is_refused(store: Store, target: str, seconds: int | None) -> None:
    made = store.extensions.add("100").result(WAIT)
    with pytest.raises(Invalid):
        store.extensions.forward(made.id, Occasion.NO_ANSWER, target, seconds).result(WAIT)
    assert store.extensions.get(made.id) == made


def test_what_somebody_may_outside_outlives_a_restart_and_goes_with_them(
    store: Store, reopen: Opener
) -> None:
    wish = Outward(frozenset(), (), 0, 12, "+49305500", "+49305501", "2nd floor, room 3")
    made = store.extensions.add("100").result(WAIT)
    other = store.extensions.add("101").result(WAIT)
    assert made.outward == Outward()
    store.extensions.change(made.id, outward=wish).result(WAIT)
    store.extensions.change(other.id, outward=Outward(frozenset(Reach), ("at", "ch"))).result(WAIT)
    store.extensions.change(made.id, name="x").result(WAIT)
    store.extensions.forward(made.id, Occasion.ALWAYS, "101").result(WAIT)
    store = reopen()
    found, second = store.extensions.get(made.id), store.extensions.get(other.id)
    assert found is not None
    assert second is not None
    assert (found.outward, found.name) == (wish, "x")
    assert second.outward == Outward(frozenset(Reach), ("at", "ch"))
    store.extensions.change(made.id, outward=Outward()).result(WAIT)
    store.extensions.remove(other.id).result(WAIT)
    store = reopen()
    assert store.extensions.get(made.id).outward == Outward()  # type: ignore[union-attr]
    rows = store._writer.job(lambda session: list(session.database.execute('SELECT * FROM "outward"')))
    assert rows.result(WAIT) == []


@pytest.mark.parametrize(
    "wish",
    [
        Outward(shown="030123456"),
        Outward(help_number="+0123456789"),
        Outward(location="x" * 101),
        Outward(location="two\nlines"),
        Outward(countries=("Austria",)),
        Outward(at_once=101),
        Outward(hourly=-1),
    ],
    ids=["shown", "help", "long", "lines", "country", "at once", "hourly"],
)
def test_what_makes_no_sense_outside_is_refused(store: Store, wish: Outward) -> None:
    made = store.extensions.add("100").result(WAIT)
    with pytest.raises(Invalid):
        store.extensions.change(made.id, outward=wish).result(WAIT)
    assert store.extensions.get(made.id) == made


def test_privacy_and_messages_are_kept(store: Store, reopen: Opener) -> None:
    made = store.extensions.add("100").result(WAIT)
    assert (made.private, made.messages) == (False, Messages())
    store.extensions.change(made.id, private=True).result(WAIT)
    store.extensions.change(made.id, messages=Messages(3, 4)).result(WAIT)
    store.extensions.change(made.id, name="x").result(WAIT)
    with pytest.raises(Invalid, match="counted"):
        store.extensions.change(made.id, messages=Messages(-1)).result(WAIT)
    store = reopen()
    [found] = store.extensions.list()
    assert (found.private, found.messages, found.name) == (True, Messages(3, 4), "x")
    store.extensions.change(found.id, private=False, messages=Messages()).result(WAIT)
    rows = store._writer.job(lambda session: list(session.database.execute('SELECT * FROM "mailbox"')))
    assert rows.result(WAIT) == []
