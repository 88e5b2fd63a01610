"""Rows and the plan that holds them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.keys import AEAD_AES_128_GCM, Keys
from rtp.plan import ANY, SENDRECV, Plan, PlanError, Row

KEYS = bytes(Keys(AEAD_AES_128_GCM, bytes(28), b"k" * 28, 7))
hosts = st.sampled_from([b"", b"\x7f\x00\x00\x01", bytes(15) + b"\x01"])
number16, number32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
rows = st.builds(
    Row,
    st.integers(1, 0x7FFE).map(lambda n: 2 * n),
    partner=st.just(0) | st.integers(1, 0x7FFE).map(lambda n: 2 * n + 1),
    host=hosts,
    rtp=number16,
    rtcp=number16,
    learning=st.integers(0, 3),
    window=number32,
    source=st.none() | st.tuples(hosts.filter(bool), number16),
    direction=st.integers(0, 3),
    mux=st.booleans(),
    event=st.integers(0, 255),
    clock=st.integers(1, 192_000),
    silence=number16,
    budget=number32,
    payloads=st.lists(st.tuples(st.integers(0, 127), st.integers(0, 127)), max_size=32).map(tuple),
).map(lambda row: row.replace(srtp=KEYS) if row.partner else row.replace(seat=b"a seat of any sort"))


@given(rows)
def test_parse_of_print_is_the_same(row: Row) -> None:
    again = Row.parse(bytes(row))
    assert {name: getattr(again, name) for name in Row.__slots__} == {
        name: getattr(row, name) for name in Row.__slots__
    }


@given(st.binary(max_size=120))
def test_anything_is_a_row_or_a_plan_error(data: bytes) -> None:
    with suppress(PlanError):
        Row.parse(data).check()


@pytest.mark.parametrize(
    "row",
    [
        Row(0),
        Row(40001),
        Row(40000, partner=40000),
        Row(40000, host=b"abc"),
        Row(40000, learning=4),
        Row(40000, direction=4),
        Row(40000, payloads=((128, 0),)),
        Row(40000, payloads=((1, 1),) * 33),
        Row(40000, window=-1),
        Row(40000, clock=0),
        Row(40000, srtp=KEYS[:-1]),
        Row(40000, srtp=b"\x00" + KEYS[1:]),
    ],
)
def test_a_row_that_cannot_be(row: Row) -> None:
    with pytest.raises(PlanError):
        Plan(10).put(row)


def test_the_plan_is_bounded_and_gives_rows_back() -> None:
    plan = Plan(2)
    plan.put(Row(40000))
    plan.put(Row(40002))
    with pytest.raises(PlanError):
        plan.put(Row(40004))
    plan.put(Row(40002, direction=SENDRECV))
    plan.remove(40000)
    plan.remove(40000)
    plan.put(Row(40004))
    assert [row.port for row in plan.snapshot()] == [40002, 40004]


def test_a_learned_source_counts_for_its_window_only() -> None:
    plan = Plan(2)
    plan.put(Row(40000, learning=ANY, window=3))
    assert not plan.learned(40000, 2, (b"\x7f\x00\x00\x01", 9))
    assert plan.learned(40000, 3, (b"\x7f\x00\x00\x01", 9))
    assert not plan.learned(40002, 3, (b"\x7f\x00\x00\x01", 9))
    row = plan.get(40000)
    assert row is not None
    assert row.source == (b"\x7f\x00\x00\x01", 9)
