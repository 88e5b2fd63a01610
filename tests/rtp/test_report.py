"""RTCP packets are read and written by RFC 3550, and a dissector nobody here wrote agrees."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.packet import PacketError
from rtp.report import Block, Goodbye, Names, Report, read
from rtp.rtcp import Header, whole

WORDS = st.integers(0, 0xFFFFFFFF)
BLOCKS = st.builds(Block, WORDS, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), *[WORDS] * 4)


def seen(part: object) -> bytes:
    return bytes(part) if isinstance(part, Report | Names | Goodbye) else b""


@given(WORDS, st.lists(BLOCKS, max_size=31), st.none() | st.integers(0, 2**64 - 1), WORDS, WORDS, WORDS)
def test_reports_come_back(
    ssrc: int, blocks: list[Block], ntp: int | None, timestamp: int, packets: int, octets: int
) -> None:
    numbers = {} if ntp is None else {"timestamp": timestamp, "packets": packets, "octets": octets}
    report = Report(ssrc, tuple(blocks), ntp=ntp, **numbers)
    data = bytes(report)
    assert whole(data, len(data))
    [back] = read(data)
    assert isinstance(back, Report)
    assert bytes(back) == data
    assert (back.ssrc, back.ntp, back.packets) == (ssrc, ntp, packets if numbers else 0)


@given(st.dictionaries(WORDS, st.text(max_size=40), max_size=31), st.lists(WORDS, max_size=31))
def test_names_and_goodbyes_come_back(names: dict[int, str], sources: list[int]) -> None:
    data = bytes(Names(names)) + bytes(Goodbye(tuple(sources)))
    assert whole(data, len(data))
    described, goodbye = read(data)
    assert isinstance(described, Names)
    assert isinstance(goodbye, Goodbye)
    assert described.names == names
    assert goodbye.sources == tuple(sources)


def test_a_sender_report_as_on_the_wire() -> None:
    data = bytes.fromhex(
        "81c8000c 00000001 83aa7e80 40000000 00000320 00000064 00003e80"
        "00000002 40fffffe 00010005 00000010 7e804000 00018000"
    )
    [report] = read(data)
    assert isinstance(report, Report)
    assert (report.ssrc, report.ntp) == (1, 0x83AA7E8040000000)
    assert (report.timestamp, report.packets, report.octets) == (800, 100, 16000)
    [block] = report.blocks
    assert (block.ssrc, block.fraction, block.lost) == (2, 64, -2)
    assert (block.highest, block.jitter, block.last, block.delay) == (0x10005, 16, 0x7E804000, 0x18000)


def test_items_that_name_people_are_passed_over() -> None:
    items = bytes((1, 3)) + b"abc" + bytes((2, 4)) + b"Anna" + bytes(1)
    chunk = struct.pack("!I", 7) + items
    chunk += bytes(-len(chunk) % 4)
    [names] = read(bytes((0x81, 202)) + struct.pack("!H", len(chunk) // 4) + chunk)
    assert isinstance(names, Names)
    assert names.names == {7: "abc"}


def test_other_types_are_handed_on() -> None:
    [part] = read(bytes.fromhex("80cc0001") + b"name")
    assert isinstance(part, Header)
    assert part.packet_type == 204


@pytest.mark.parametrize(
    "text",
    [
        "80c80001 00000001",  # a sender report without what it sent
        "81c90001 00000001",  # a block is promised
        "81c90006 00000001 0000000200000000000000000000000000000000",
        "81ca0000",
        "81ca0002 00000001 01ff6162",  # an item longer than its packet
        "81ca0002 00000001 01026162",  # no end
        "82cb0001 00000001",
        "80c9",
    ],
)
def test_what_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(PacketError):
        list(read(bytes.fromhex(text)))


@given(st.integers(200, 207), st.integers(0, 31), st.binary(max_size=80))
def test_any_body_is_read_or_refused(kind: int, count: int, body: bytes) -> None:
    body += bytes(-len(body) % 4)
    data = bytes((0x80 | count, kind)) + struct.pack("!H", len(body) // 4) + body
    try:
        parts = list(read(data))
    except PacketError:
        return
    assert len(parts) == 1


@pytest.mark.skipif(
    not shutil.which("tshark"),
    reason="tshark is not installed (apt install tshark): nobody else reads our RTCP",
)
def test_a_dissector_reads_the_same(tmp_path: Path) -> None:
    block = Block(0x1234, 25, 1000, 70000, 33, 0xABCD0123, 65536)
    report = Report(0x5678, (block,), ntp=0x0000001080000000, timestamp=4000, packets=50, octets=8000)
    data = bytes(report) + bytes(Names({0x5678: "box"})) + bytes(Goodbye((0x5678,)))
    udp = struct.pack("!HHHH", 20001, 20001, 8 + len(data), 0) + data
    frame = (
        struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
        + udp
    )
    path = tmp_path / "rtcp.pcap"
    path.write_bytes(
        struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
        + struct.pack("=IIII", 1, 0, len(frame), len(frame))
        + frame
    )
    fields = "rtcp.pt rtcp.senderssrc rtcp.timestamp.rtp rtcp.sender.packetcount rtcp.ssrc.fraction"
    fields += " rtcp.ssrc.cum_nr rtcp.ssrc.jitter rtcp.ssrc.dlsr rtcp.sdes.text"
    words = [word for name in fields.split() for word in ("-e", name)]
    told = subprocess.run(
        ["tshark", "-r", str(path), "-d", "udp.port==20001,rtcp", "-T", "fields", *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.strip("\n")
    kinds, sender, timestamp, packets, fraction, lost, jitter, delay, name = told.split("\t")
    assert kinds == "200,202,203"
    assert int(sender.split(",")[0], 0) == 0x5678
    assert (timestamp, packets, fraction, lost, jitter, delay) == ("4000", "50", "25", "1000", "33", "65536")
    assert name.split(",")[0] == "box"
