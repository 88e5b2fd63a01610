"""Ring groups: kept in order, numbers shared with nobody, members that leave with their extension."""

from dataclasses import replace

import pytest

from firmware.store import Invalid, Store, Strategy
from tests.firmware.store.conftest import Opener

WAIT = 30


def people(store: Store, *numbers: str) -> list[str]:
    return [store.extensions.add(number).result(WAIT).id for number in numbers]


def test_a_group_is_kept_as_it_was_made(store: Store, reopen: Opener) -> None:
    ids = people(store, "101", "102", "103")
    made = store.groups.add(
        "600", "Sales", [ids[2], ids[0]], strategy=Strategy.MEMORY, seconds=15, last=ids[1]
    ).result(WAIT)
    assert (made.members, made.last, made.strategy, made.seconds) == (
        (ids[2], ids[0]), ids[1], Strategy.MEMORY, 15,
    )  # fmt: skip
    assert store.groups.find("600") == made
    assert reopen().groups.list() == (made,)


def test_a_group_is_changed_and_removed(store: Store, reopen: Opener) -> None:
    ids = people(store, "101", "102")
    made = store.groups.add("600", "Sales", ids, last=ids[0]).result(WAIT)
    other = store.groups.add("7", "x", ids).exception(WAIT)
    assert isinstance(other, Invalid)
    changed = store.groups.change(replace(made, number="601", members=(ids[1],), last=None)).result(WAIT)
    store = reopen()
    assert store.groups.list() == (changed,)
    assert store.groups.find("600") is None
    store.groups.remove(made.id).result(WAIT)
    assert reopen().groups.list() == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"number": "101"}, "in use"),
        ({"number": "0301"}, "in use"),
        ({"number": "601"}, "in use"),
        ({"number": "12345678"}, "2 to 6 digits"),
        ({"members": ()}, "members"),
        ({"members": ("00" * 16,)}, "no extension"),
        ({"last": "00" * 16}, "no extension"),
        ({"seconds": 1}, "ring for"),
    ],
)
def test_a_refused_change_leaves_the_group(store: Store, changes: dict[str, object], says: str) -> None:
    [anna] = people(store, "101")
    store.extensions.change(anna, aliases=["0301"]).result(WAIT)
    store.groups.add("601", "Other", [anna]).result(WAIT)
    made = store.groups.add("600", "Sales", [anna]).result(WAIT)
    with pytest.raises(Invalid, match=says):
        store.groups.change(replace(made, **changes)).result(WAIT)  # type: ignore[arg-type]
    assert store.groups.find("600") == made


def test_a_group_number_is_nobodys_extension(store: Store) -> None:
    [anna] = people(store, "101")
    store.groups.add("600", "Sales", [anna]).result(WAIT)
    with pytest.raises(Invalid, match="in use"):
        store.extensions.add("600").result(WAIT)
    with pytest.raises(Invalid, match="in use"):
        store.extensions.change(anna, aliases=["600"]).result(WAIT)


def test_an_erased_person_leaves_the_groups(store: Store, reopen: Opener) -> None:
    anna, ben = people(store, "101", "102")
    store.groups.add("600", "Sales", [anna, ben], last=anna).result(WAIT)
    store.extensions.remove(anna).result(WAIT)
    for now in (store, reopen()):
        [group] = now.groups.list()
        assert (group.members, group.last) == ((ben,), None)
