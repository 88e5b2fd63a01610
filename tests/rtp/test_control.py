"""Control messages survive the way; nonsense does not pass."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import control
from rtp.control import Message
from tests.rtp.test_plan import rows

port, token, number = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.integers(0, 2**64 - 1)


def numbers(kind: type[Message]) -> st.SearchStrategy[Message]:
    return st.builds(kind, **dict.fromkeys(kind.__slots__, number))


messages = st.one_of(
    st.builds(control.Put, rows),
    st.builds(control.Remove, port=port),
    st.just(control.Clear()),
    st.builds(control.Ask, port=port, token=token),
    st.builds(control.Ready, st.lists(port, max_size=control.PORTS).map(tuple), final=st.booleans()),
    st.builds(control.Learned, port, token, st.sampled_from([b"abcd", bytes(16)]), port),
    st.builds(control.Timeout, port=port),
    numbers(control.Statistics),
    numbers(control.Counters),
)


@given(st.lists(messages, max_size=60))
def test_what_was_written_is_read(sent: list[Message]) -> None:
    datagrams = control.encode(sent)
    assert all(len(datagram) <= control.LIMIT for datagram in datagrams)
    assert [message for datagram in datagrams for message in control.decode(datagram)] == sent


def test_many_messages_share_a_datagram() -> None:
    assert len(control.encode([control.Remove(port=n) for n in range(1000)])) == 1


@given(st.binary(max_size=60))
def test_nonsense_is_a_control_error(data: bytes) -> None:
    with suppress(control.ControlError):
        control.decode(bytes((control.VERSION,)) + data)


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x01\x02\x00\x02\x00", b"\x01\x63\x00\x00"])
def test_malformed(data: bytes) -> None:
    with pytest.raises(control.ControlError):
        control.decode(data)
