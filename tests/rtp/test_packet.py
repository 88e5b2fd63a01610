"""RTP packets: a value, or PacketError."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.packet import Packet, PacketError, payload_start, sound

packets = st.builds(
    Packet,
    st.integers(0, 63) | st.integers(96, 127),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=200),
    marker=st.booleans(),
    csrcs=st.lists(st.integers(0, 0xFFFFFFFF), max_size=15).map(tuple),
    extension=st.none()
    | st.tuples(
        st.integers(0, 0xFFFF), st.integers(0, 8).flatmap(lambda n: st.binary(min_size=4 * n, max_size=4 * n))
    ),
)


@given(packets)
def test_parse_of_print_is_the_same(packet: Packet) -> None:
    again = Packet.parse(bytes(packet))
    assert again == packet
    assert (again.payload, again.extension, again.csrcs) == (packet.payload, packet.extension, packet.csrcs)


@given(st.binary(max_size=80))
def test_anything_is_a_packet_or_a_packet_error(data: bytes) -> None:
    try:
        Packet.parse(data)
    except PacketError:
        assert not sound(data, len(data))
    else:
        assert sound(data, len(data))


def test_known_bytes() -> None:
    data = bytes.fromhex("80e0123400000fa0deadbeef") + b"abc"
    packet = Packet.parse(data)
    assert (packet.payload_type, packet.marker, packet.sequence) == (96, True, 0x1234)
    assert (packet.timestamp, packet.ssrc, packet.payload) == (4000, 0xDEADBEEF, b"abc")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x00" + bytes(9),  # a byte short
        b"\x40\x00" + bytes(10),  # version 1
        b"\x81\x00" + bytes(10),  # announces a CSRC
        b"\x90\x00" + bytes(12) + b"\x00\x01",  # extension cut
        b"\x90\x00" + bytes(10) + b"\x00\x00\xff\xff",  # extension longer than the packet
        b"\xa0\x00" + bytes(10),  # padding without a byte for its count
        b"\xa0\x00" + bytes(10) + b"\x09",  # padding longer than the payload
        b"\xa0\x00" + bytes(10) + b"\x00",  # padding of none
        b"\x80\xc8" + bytes(10),  # an RTCP sender report
    ],
)
def test_malformed(data: bytes) -> None:
    with pytest.raises(PacketError):
        Packet.parse(data)


def test_padding_is_taken_off() -> None:
    assert Packet.parse(b"\xa0\x00" + bytes(10) + b"abc\x00\x02").payload == b"abc"


def test_only_the_given_size_counts() -> None:
    buffer = bytearray(hashlib.shake_128(b"any bytes").digest(400))
    buffer[0:2] = b"\x80\x00"
    assert payload_start(buffer, 11) == -1
    assert payload_start(buffer, 12) == 12
