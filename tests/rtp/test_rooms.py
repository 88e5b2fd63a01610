"""Rows with a seat, in the portable tier: packets go into a room and come out of it."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtp import control, orders
from rtp.audio import audioop
from rtp.packet import Packet
from rtp.plan import ANY, RECVONLY, SENDRECV, Plan, PlanError, Row
from rtp.seat import CODES, EVENT, PCMA, PCMU, RELAY, Format, Seat
from tests.rtp.test_loop import Portable
from tests.rtp.test_room import strength, tone
from tests.rtp.twin import BOX, Call, Phone

MU, A, EVENTS = (0, PCMU, 8000), (8, PCMA, 8000), (101, EVENT, 8000)
OPUS = (96, CODES["opus"], 44100)  # a clock it never has


@pytest.fixture
def tier() -> Iterator[Portable]:
    portable = Portable()
    yield portable
    portable.loop.close()
    Phone.close_all()


def seated(port: int, phone: Phone, audio: Format, room: int = 7, **fields: object) -> Row:
    seat = Seat(room, (audio, EVENTS), (audio, EVENTS), flags=RELAY)
    host, rtp = phone.address
    row = Row(
        port,
        host=socket.inet_aton(host),
        rtp=rtp,
        rtcp=rtp + 1,
        learning=ANY,
        direction=SENDRECV,
        event=101,
        seat=bytes(seat),
    )
    return row.replace(**fields)


class Speaker:
    """A phone that says a tone in G.711."""

    def __init__(self, port: int, audio: Format, frequency: float) -> None:
        self.phone = Phone()
        self.port, self.audio = port, audio
        code = audioop.lin2ulaw if audio == MU else audioop.lin2alaw
        self.payloads = [code(frame, 2) for frame in tone(frequency, 0.3, 8000, 50)]
        self.packets: list[Packet] = []
        self.said = 0

    def say(self) -> None:
        packet = Packet(self.audio[0], self.said, self.said * 160, 77, self.payloads[self.said % 50])
        self.said += 1
        self.phone.rtp.sendto(bytes(packet), (BOX, self.port))

    def heard(self) -> bytes:
        """All it was sent, as samples."""
        self.packets += map(Packet.parse, Phone.raw(self.phone.rtp))
        decode = audioop.ulaw2lin if self.audio == MU else audioop.alaw2lin
        return b"".join(decode(p.payload, 2) for p in self.packets if p.payload_type == self.audio[0])


def talk(tier: Portable, speakers: list[Speaker], ticks: int) -> None:
    for _ in range(ticks):
        for speaker in speakers:
            speaker.say()
        tier.settle()
        tier.time += 0.02
        tier.settle()


def test_two_formats_meet_in_a_room(tier: Portable) -> None:
    one, other = Speaker(tier.ports[0], MU, 400), Speaker(tier.ports[1], A, 1000)
    for speaker in (one, other):
        tier.put(seated(speaker.port, speaker.phone, speaker.audio))
    talk(tier, [one, other], 50)
    assert strength(one.heard()[-320 * 25 :], 1000, 8000) == pytest.approx(0.3, rel=0.05)
    assert strength(other.heard()[-320 * 25 :], 400, 8000) == pytest.approx(0.3, rel=0.05)
    statistics = tier.statistics(one.port)
    assert (statistics.packets, statistics.undelivered) == (50, 0)
    assert statistics.sent == len(one.packets)
    first = one.packets[0]
    assert [p.sequence for p in one.packets] == [
        (first.sequence + n) & 0xFFFF for n in range(len(one.packets))
    ]
    assert first.ssrc != 77


def test_a_stranger_is_not_heard_in_the_room(tier: Portable) -> None:
    one, other = Speaker(tier.ports[0], MU, 400), Speaker(tier.ports[1], A, 1000)
    for speaker in (one, other):
        tier.put(seated(speaker.port, speaker.phone, speaker.audio))
    talk(tier, [one, other], 20)
    stranger = Speaker(tier.ports[0], MU, 2000)
    talk(tier, [one, other, stranger], 30)
    assert strength(other.heard()[-320 * 25 :], 2000, 8000) < 0.005
    assert not stranger.heard()


def test_the_rooms_come_back_with_the_plan(tier: Portable) -> None:
    """A media process that starts anew is filled from the snapshot: the same rooms, new streams."""
    one, other = Speaker(tier.ports[0], MU, 400), Speaker(tier.ports[1], A, 1000)
    plan = Plan(4)
    for speaker in (one, other):
        plan.put(seated(speaker.port, speaker.phone, speaker.audio))
    rows = [Row.parse(bytes(row)) for row in plan.snapshot()]
    for row in rows:
        tier.put(row)
    talk(tier, [one, other], 20)
    before = {packet.ssrc for packet in one.packets} if one.heard() else set()
    tier.loop.clear()
    assert tier.loop.rooms is not None
    assert tier.loop.rooms.due is None
    for row in rows:
        tier.put(row)
    one.packets.clear()
    talk(tier, [one, other], 40)
    assert strength(one.heard()[-320 * 20 :], 1000, 8000) == pytest.approx(0.3, rel=0.05)
    assert before.isdisjoint(packet.ssrc for packet in one.packets)


def test_from_relayed_to_room_and_back(tier: Portable) -> None:
    call = Call(tier)
    call.talk()
    for port in (call.left, call.right):
        tier.put(call.rows[port].replace(partner=0, seat=bytes(Seat(1, (MU,), (MU,)))))
    call.a.heard()
    for n in range(20):
        call.a.say(call.left, bytes((n,)) * 160)
        tier.settle()
        tier.time += 0.02
        tier.settle()
    assert bytes((3,)) * 160 in call.b.heard()
    for port in (call.left, call.right):
        tier.put(call.rows[port])
    assert call.exchange(b"one", b"other") == ([b"other"], [b"one"])
    assert tier.loop.rooms is not None
    assert tier.loop.rooms.due is None


def test_held_hears_nothing_and_says_nothing(tier: Portable) -> None:
    one, other = Speaker(tier.ports[0], MU, 400), Speaker(tier.ports[1], A, 1000)
    tier.put(seated(one.port, one.phone, MU, direction=RECVONLY))
    tier.put(seated(other.port, other.phone, A))
    talk(tier, [one, other], 30)
    assert not other.heard()
    assert one.heard()


def test_a_seat_nobody_can_take_is_counted_and_harms_nobody(tier: Portable) -> None:
    one, other = Speaker(tier.ports[0], MU, 400), Speaker(tier.ports[1], A, 1000)
    tier.put(seated(one.port, one.phone, OPUS))
    tier.put(seated(other.port, other.phone, A, seat=b"nonsense"))
    talk(tier, [one, other], 10)
    assert tier.loop.rooms is not None
    assert (tier.loop.rooms.refused, tier.loop.rooms.due) == (2, None)
    for speaker in (one, other):
        tier.put(seated(speaker.port, speaker.phone, speaker.audio))
    talk(tier, [one, other], 30)
    assert one.heard()


def test_digits_go_up(tier: Portable) -> None:
    one = Speaker(tier.ports[0], MU, 400)
    tier.put(seated(one.port, one.phone, MU))
    for n, payload in enumerate(
        (b"\x05\x0a\x00\xa0", b"\x05\x0a\x01\x40", b"\x05\x8a\x03\x20", b"\x05\x8a\x03\x20")
    ):
        one.phone.rtp.sendto(bytes(Packet(101, n, 1000, 77, payload)), (BOX, one.port))
    tier.settle()
    tier.time += 0.02
    tier.settle()
    assert [event for event in tier.events() if isinstance(event, orders.Digit)] == [
        orders.Digit(port=one.port, event=5, length=0),
        orders.Digit(port=one.port, event=5, length=100),
    ]


def test_what_is_late_is_made_up_for_or_skipped(tier: Portable) -> None:
    one, other = Speaker(tier.ports[0], MU, 400), Speaker(tier.ports[1], A, 1000)
    for speaker in (one, other):
        tier.put(seated(speaker.port, speaker.phone, speaker.audio))
    talk(tier, [one, other], 20)
    before = len(one.packets) if one.heard() else 0
    tier.time += 0.06
    tier.settle()
    one.heard()
    assert 0 < len(one.packets) - before <= 4
    start = one.packets[0].timestamp
    tier.time += 2.0
    tier.settle()
    talk(tier, [one, other], 30)
    one.heard()
    assert tier.loop.rooms is not None
    assert tier.loop.rooms.skipped >= 90
    played = (one.packets[-1].timestamp - start) & 0xFFFFFFFF
    assert abs(played - ((20 + 3 + 100 + 30) * 160)) <= 5 * 160, "timestamps go on as time does"


def test_a_row_is_relayed_or_seated_never_both() -> None:
    with pytest.raises(PlanError):
        Plan(1).put(Row(40000, partner=40002, seat=b"x"))
    with pytest.raises(PlanError):
        Plan(1).put(Row(40000, seat=bytes(256)))


@pytest.mark.parametrize(
    "message",
    [
        orders.Clip(number=1),
        orders.Drop(number=2),
        orders.Play(40000, 0, 9, (1, 2, 3), loop=True),
        orders.Play(0, 5, 9, (), loop=False),
        orders.Stop(port=40000, room=0),
        orders.Press(40000, b"\x01\x0b", 100),
        orders.Record(port=40000, token=4),
        orders.EndRecord(port=40000),
        orders.Digit(port=40000, event=11, length=800),
        orders.Played(token=9, failed=0),
        orders.Speaker(port=40000, room=5),
        orders.Recorded(token=4, left_out=0, broken=1),
    ],
)
def test_orders_survive_the_way(message: control.Message) -> None:
    [datagram] = control.encode([message])
    assert control.decode(datagram) == [message]


def test_a_media_process_that_only_relays_loads_nothing_of_it() -> None:
    parts = "{'audioop', 'rtp.room', 'rtp.codec', 'rtp.descriptors'}"
    code = f"import sys, rtp.process; print(*({parts} & set(sys.modules)))"
    command = [sys.executable, "-S", "-P", "-c", code]
    root = str(Path(__file__).parents[2])
    found = subprocess.run(command, env={"PYTHONPATH": root}, capture_output=True, text=True, check=True)
    assert found.stdout == "\n"
