"""STUN messages against the test vectors of RFC 5769, which nobody here made."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtp import stun
from rtp.stun import Message, StunError

PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
REQUEST = bytes.fromhex(  # RFC 5769 2.1
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
IPV4 = bytes.fromhex(  # 2.2
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
IPV6 = bytes.fromhex(  # 2.3
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c"
)
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")


def test_the_request_of_the_vectors_is_read_and_authentic() -> None:
    message = Message.parse(REQUEST)
    assert (message.kind, message.transaction) == (stun.REQUEST, TRANSACTION)
    assert message.get(stun.USERNAME) == b"evtj:h6vY"
    assert message.get(stun.PRIORITY) == bytes.fromhex("6e0001ff")
    assert message.get(stun.CONTROLLED) == bytes.fromhex("932ff9b151263b36")
    assert message.authentic(PASSWORD)
    assert not message.authentic(PASSWORD[:-1])


@pytest.mark.parametrize(
    ("data", "address", "port"),
    [
        (IPV4, bytes((192, 0, 2, 1)), 32853),
        (IPV6, bytes.fromhex("20010db8123456780011223344556677"), 32853),
    ],
)
def test_the_answers_of_the_vectors_are_read_and_their_address_is_written_the_same(
    data: bytes, address: bytes, port: int
) -> None:
    message = Message.parse(data)
    assert message.kind == stun.SUCCESS
    assert message.authentic(PASSWORD)
    assert stun.mapped(address, port, TRANSACTION) in message.attributes


@pytest.mark.parametrize("data", [IPV4, IPV6])
def test_what_is_written_is_the_vector_but_for_its_padding(data: bytes) -> None:
    """The vectors pad with spaces, which we do not: without the padded attribute all octets agree."""
    message = Message.parse(data)
    bare = tuple(pair for pair in message.attributes if pair[0] != 0x8022)
    written = Message.parse(Message(message.kind, message.transaction, bare).write(PASSWORD))
    assert written.attributes == bare
    assert written.authentic(PASSWORD)


def test_every_single_changed_octet_is_noticed() -> None:
    for at in range(len(REQUEST)):
        data = bytearray(REQUEST)
        data[at] ^= 1
        with suppress(StunError):
            assert not Message.parse(bytes(data)).authentic(PASSWORD)
            pytest.fail("the FINGERPRINT did not notice")


def test_a_message_without_fingerprint_is_none() -> None:
    with pytest.raises(StunError):
        Message.parse(REQUEST[:2] + (len(REQUEST) - 28).to_bytes(2, "big") + REQUEST[4:-8])


def test_what_follows_the_integrity_is_left_out() -> None:
    """An attribute put behind MESSAGE-INTEGRITY is authentic to nobody."""
    body = REQUEST[:-8] + bytes.fromhex("00250000")
    body = body[:2] + (len(body) - 20).to_bytes(2, "big") + body[4:]
    longer = body[:2] + (len(body) - 12).to_bytes(2, "big") + body[4:]
    data = longer + bytes.fromhex("80280004") + stun._fingerprint(body)
    message = Message.parse(data)
    assert message.get(stun.USE_CANDIDATE) is None
    assert message.authentic(PASSWORD)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_refused_or_not_authentic(data: bytes) -> None:
    with suppress(StunError):
        assert not Message.parse(data).authentic(PASSWORD)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0x24, 0x7FFF), st.binary(max_size=40)), max_size=8),
    st.binary(min_size=12, max_size=12),
)
def test_what_is_written_is_read(attributes: list[tuple[int, bytes]], transaction: bytes) -> None:
    message = Message.parse(Message(stun.REQUEST, transaction, tuple(attributes)).write(PASSWORD))
    assert message.attributes == tuple(attributes)
    assert message.transaction == transaction
    assert message.authentic(PASSWORD)
