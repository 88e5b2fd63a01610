"""The VoIP metrics block of RFC 3611 is read, and whatever is not one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.packet import PacketError
from rtp.rtcp import Header, split
from rtp.xr import UNAVAILABLE, metrics

METRICS = bytes.fromhex(
    "00001234 05020a01 00640bb8 007800a0 ecb05010 5a7f2c29 10000028 003c00c8".replace(" ", "")
)
REPORT = bytes.fromhex("80cf000d 00005678 04000002 0000000000000000 07000008".replace(" ", "")) + METRICS


def test_the_block_is_found_among_others_and_read() -> None:
    [header] = split(REPORT)
    [one] = metrics(header)
    assert (one.ssrc, one.loss, one.discard, one.burst_density, one.gap_density) == (0x1234, 5, 2, 10, 1)
    assert (one.burst_duration, one.gap_duration, one.round_trip, one.end_delay) == (100, 3000, 120, 160)
    assert (one.signal, one.noise, one.echo, one.gmin) == (-20, -80, 80, 16)
    assert (one.r_factor, one.external, one.listening, one.conversation) == (90, UNAVAILABLE, 44, 41)
    assert (one.config, one.nominal, one.most, one.limit) == (16, 40, 60, 200)


def test_another_packet_has_none() -> None:
    assert metrics(Header(201, 0, REPORT[4:])) == []


@pytest.mark.parametrize("body", [REPORT[4:-4], REPORT[4:20] + bytes.fromhex("07000001") + bytes(4)])
def test_what_does_not_fit_is_refused(body: bytes) -> None:
    with pytest.raises(PacketError):
        metrics(Header(207, 0, body))


@given(st.binary(max_size=120))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        found = metrics(Header(207, 0, body))
    except PacketError:
        return
    assert 36 * len(found) <= len(body)
