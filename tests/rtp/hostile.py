"""What every tier owes under packets that nobody should send. Subclasses give a `tier` of eight ports.

The packets are mutations of well-formed ones: RTP of every shape, telephone-events, RTCP with reports and
extended reports, STUN, the beginning of DTLS. They come from a stranger to every port, and from far ends
that have lost their mind, each into its own row: a call whose types are rewritten with RTCP on the same port,
two seats of a room, a row that still learns. Beside them one plain call goes on: it must lose nothing.
"""

import gc
import os
import socket
import sys
from random import Random

import pytest

from rtp.packet import Packet
from rtp.plan import ANY, CLOSED, SENDRECV, Row
from rtp.report import Block, Report
from rtp.seat import EVENT, PCMA, PCMU, RELAY, Seat
from tests.fuzz.mutate import mutate
from tests.rtp.test_loop import Portable
from tests.rtp.twin import BOX, Call, Phone

PORTS = 8
QUICK, WHOLE = 10_000, 1_000_000
BATCH = 32  # packets between two turns: fewer than any socket's buffer holds
BLOCKS = 5000  # of memory that may be in use more or less than before: buffers of a room breathe
STUN = bytes.fromhex("000100002112a442") + b"transaction!"
DTLS = bytes.fromhex("16fefd000000000000000000300100002400000000000000") + bytes(36)
XR = bytes.fromhex("80cf0003") + b"ssrc" + bytes.fromhex("0400000200000000")
WELL_FORMED = (
    *(bytes(Packet(kind, 7, 1120, 9, bytes(160))) for kind in (0, 8, 9, 13, 96, 127)),
    bytes(Packet(0, 65535, 0xFFFFFFFF, 0xFFFFFFFF, bytes(160), marker=True, csrcs=(1, 2, 3))),
    bytes(Packet(0, 8, 1280, 9, bytes(160), extension=(0xBEDE, bytes(8)))),
    bytes(Packet(101, 9, 1440, 9, bytes.fromhex("050a0320"))),
    bytes(Packet(101, 10, 1440, 9, bytes.fromhex("058a0640"), marker=True)),
    bytes(Report(9, (Block(8, 12, 5, 100, 33, 5, 9),), ntp=5 << 16)),
    bytes(Report(9)) + bytes.fromhex("81ca0003") + b"ssrc" + b"\x01\x02me\0\0\0\0",
    bytes.fromhex("80c90001") + b"ssrc" + XR,
    bytes.fromhex("81cb0001") + b"ssrc",
    STUN,
    DTLS,
    b"",
    b"\r\n",
)
WORDS = (
    b"\x80",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"\x90\0",
    b"\xbf",
    b"\x80\xc8\xff\xff",
    b"\xbe\xde\xff\xff",
)


def blocks() -> int:
    """Return how many blocks of memory this process has in use."""
    gc.collect()
    return sys.getallocatedblocks()


def descriptors() -> int:
    """Return how many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


class Scene:
    """The rows under attack: see above."""

    def __init__(self, tier: Portable, seed: int) -> None:
        self.tier = tier
        self.random = Random(seed)
        tier.loop.monitor = True  # RTCP that passes is read
        self.living = Call(tier)
        self.living.talk()
        odd = dict(zip(tier.ports[2:], (Phone() for _ in tier.ports[2:]), strict=True))
        two, three, four, five, six, seven = odd
        seat = [((kind, code, 8000), (101, EVENT, 8000)) for kind, code in ((0, PCMU), (8, PCMA))]
        mapped, seated = (
            {"mux": True, "payloads": ((96, 101), (0, 8))},
            [Seat(7, s, s, flags=RELAY) for s in seat],
        )
        for row in (
            self._row(two, odd[two], partner=three, **mapped),
            self._row(three, odd[three], partner=two),
            self._row(four, odd[four], seat=bytes(seated[0])),
            self._row(five, odd[five], seat=bytes(seated[1])),
            self._row(six, odd[six], partner=seven),
            self._row(seven, odd[seven], partner=six, learning=CLOSED),
        ):
            tier.put(row)
        for port in (two, three, four, five):
            odd[port].say(port, b"learn me")
        tier.settle()
        tier.events()  # what was learned
        self.mad = {port: odd[port] for port in (two, three, four, five, six)}
        self.stranger = Phone("127.0.0.2")

    @staticmethod
    def _row(port: int, phone: Phone, **fields: object) -> Row:
        host, rtp = phone.address
        row = Row(port, host=socket.inet_aton(host), rtp=rtp, rtcp=rtp + 1, learning=ANY)
        return row.replace(direction=SENDRECV, event=101, **fields)

    def attack(self, count: int) -> None:
        """Send so many packets, a BATCH at a time, the living call speaking in between."""
        mad = list(self.mad.items())
        for done in range(0, count, BATCH):
            for number in range(BATCH):
                data = mutate(self.random, WELL_FORMED, WORDS)[:1400]
                if number % 2:
                    port, phone = self.tier.ports[number // 2 % PORTS], self.stranger
                else:
                    port, phone = mad[number // 2 % len(mad)]
                if number & 4:
                    phone.rtcp.sendto(data, (BOX, port + 1))
                else:
                    phone.rtp.sendto(data, (BOX, port))
            self.tier.settle()
            self.tier.time += 0.02
            self.tier.settle()
            told = self.tier.events()
            assert not [one for one in told if getattr(one, "port", 0) in self.tier.ports[:2]]
            if done % (BATCH * 8) == 0:
                assert self.living.exchange(b"one", b"other") == ([b"other"], [b"one"])
                assert self.living.a.reports() == self.living.b.reports() == []
                for phone in self.mad.values():
                    phone.heard_anything()
                assert self.stranger.heard_anything() == 0


class HostileTests:
    """Nothing but counters changes."""

    def test_mutated_packets_harm_nobody(self, tier: Portable) -> None:
        self.suffer(tier, QUICK)

    @pytest.mark.prove
    @pytest.mark.timeout(600)
    def test_a_million_mutated_packets_harm_nobody(self, tier: Portable) -> None:
        self.suffer(tier, WHOLE)

    def suffer(self, tier: Portable, count: int) -> None:
        scene = Scene(tier, seed=count)
        scene.attack(count // 5)
        memory, open_ = blocks(), descriptors()
        scene.attack(count)
        assert abs(blocks() - memory) < BLOCKS
        assert descriptors() == open_
        left = scene.living.left
        assert tier.statistics(left).lost == 0
        assert tier.loop.foreign + tier.loop.bad + tier.loop.refused > count // 4
        # who comes to its senses is heard again
        scene.living.talk()
        two, three = tier.ports[2:4]
        for number in range(2):
            scene.mad[two].rtp.sendto(bytes(Packet(96, number, 160, 4, b"\x05\x0a\x03\x20")), (BOX, two))
        tier.settle()
        heard = [Packet.parse(data) for data in Phone.raw(scene.mad[three].rtp)]
        assert [(one.payload_type, one.payload) for one in heard] == [(101, b"\x05\x0a\x03\x20")] * 2

    def test_a_new_source_number_in_every_packet_costs_nothing(self, tier: Portable) -> None:
        call = Call(tier)
        call.talk()
        before = tier.statistics(call.left)
        memory = 0
        for turn in range(300):
            for number in range(BATCH):
                ssrc = turn * BATCH + number
                packet = Packet(0, ssrc * 7919 & 0xFFFF, ssrc * 160, ssrc * 2654435761 & 0xFFFFFFFF, b"flood")
                call.a.rtp.sendto(bytes(packet), (BOX, call.left))
            tier.settle()
            assert call.b.heard() == [b"flood"] * BATCH
            memory = memory or blocks()
        assert abs(blocks() - memory) < BLOCKS
        after = tier.statistics(call.left)
        assert (after.packets - before.packets, after.lost) == (300 * BATCH, before.lost)
        assert call.exchange(b"one", b"other") == ([b"other"], [b"one"])

    def test_well_formed_packets_of_strangers_never_turn_a_stream(self, tier: Portable) -> None:
        """They know everything but the address: number, time and source of the packet that comes next."""
        call = Call(tier)
        call.talk()
        tier.events()
        strangers = [Phone(), Phone("127.0.0.2")]
        for _ in range(500):
            for stranger in strangers:
                sequence = call.a.sequence
                packet = Packet(0, sequence, sequence * 160, call.a.address[1], b"stranger")
                stranger.rtp.sendto(bytes(packet), (BOX, call.left))
            assert call.exchange(b"one", b"other") == ([b"other"], [b"one"])
        assert tier.events() == []
        assert [stranger.heard() for stranger in strangers] == [[], []]

    def test_two_thousand_calls_leave_nothing_behind(self, tier: Portable) -> None:
        memory = 0
        phones = Phone(), Phone()
        left, right = tier.ports[:2]
        open_ = descriptors()
        for number in range(2000):
            for port, partner, phone in ((left, right, phones[0]), (right, left, phones[1])):
                tier.put(Call.row(port, partner, phone, ANY))
            for port, phone in ((left, phones[0]), (right, phones[1])):
                phone.say(port, b"%d" % number)
            tier.settle()
            assert phones[0].heard_anything() + phones[1].heard_anything() == 2
            for port in (left, right):
                tier.remove(port)
            tier.events()
            if number == 100:
                memory = blocks()
        assert abs(blocks() - memory) < BLOCKS
        assert descriptors() == open_
        assert tier.loop.counters(1).rows == 0
