"""RTCP compounds: whole, or not RTCP."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.packet import PacketError
from rtp.rtcp import split, whole

RECEIVER_REPORT = bytes.fromhex("80c90001") + b"ssrc"
GOODBYE = bytes.fromhex("81cb0001") + b"ssrc"


def test_compound_is_cut() -> None:
    parts = split(RECEIVER_REPORT + GOODBYE)
    assert [(part.packet_type, part.count, part.body) for part in parts] == [
        (201, 0, b"ssrc"),
        (203, 1, b"ssrc"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        RECEIVER_REPORT[:-1],
        RECEIVER_REPORT + b"\x80",
        b"\x40" + RECEIVER_REPORT[1:],
        b"\xa0" + RECEIVER_REPORT[1:] + GOODBYE,  # padding before the last packet
        b"\x80\x00" + RECEIVER_REPORT[2:],
        bytes.fromhex("80c9ffff"),
    ],
)
def test_malformed(data: bytes) -> None:
    assert not whole(data, len(data))
    with pytest.raises(PacketError):
        split(data)


@given(st.binary(max_size=64))
def test_pieces_cover_the_whole(data: bytes) -> None:
    if whole(data, len(data)):
        assert sum(4 + len(part.body) for part in split(data)) == len(data)
