"""One test class for every tier that follows the forwarding plan: what happens must not depend on which.

A tier under test is a `Tier`; the phones are ordinary sockets on loopback addresses.
"""

import hashlib
import socket
from typing import ClassVar, Protocol

from rtp import control
from rtp.packet import Packet
from rtp.plan import ANY, CLOSED, EXACT, HOST, INACTIVE, RECVONLY, SENDONLY, SENDRECV, Row

BOX = "127.0.0.1"
REPORT = bytes.fromhex("80c90001") + b"ssrc"


class Tier(Protocol):
    """What a test needs of a tier: its ports, edits, events, and a way to let it work until it is quiet."""

    ports: tuple[int, ...]

    def put(self, row: Row) -> None: ...
    def remove(self, port: int) -> None: ...
    def settle(self) -> None: ...
    def pass_time(self, seconds: float) -> None: ...
    def events(self) -> list[control.Message]: ...
    def statistics(self, port: int) -> control.Statistics: ...


class Phone:
    """A far end: RTP and RTCP sockets on one loopback address. `Phone.close_all()` after each test."""

    open: ClassVar[list["Phone"]] = []

    def __init__(self, host: str = BOX) -> None:
        while True:
            self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.rtcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.rtp.bind((host, 0))
            self.address: tuple[str, int] = self.rtp.getsockname()
            try:
                self.rtcp.bind((host, self.address[1] + 1))
                break
            except OSError:
                self.close()
        self.sequence = 1000
        Phone.open.append(self)
        for one in (self.rtp, self.rtcp):
            one.setblocking(False)

    @classmethod
    def close_all(cls) -> None:
        while cls.open:
            cls.open.pop().close()

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()

    def say(self, port: int, text: bytes, payload_type: int = 0) -> None:
        packet = Packet(payload_type, self.sequence, self.sequence * 160, self.address[1], text)
        self.sequence += 1
        self.rtp.sendto(bytes(packet), (BOX, port))

    def heard(self) -> list[bytes]:
        return [Packet.parse(data).payload for data in self.raw(self.rtp)]

    def reports(self) -> list[bytes]:
        return self.raw(self.rtcp)

    def heard_anything(self) -> int:
        """How many datagrams of whatever kind came to either socket."""
        return len(self.raw(self.rtp)) + len(self.raw(self.rtcp))

    @staticmethod
    def raw(one: socket.socket) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(one.recv(2048))
            except BlockingIOError:
                return found
            except ConnectionRefusedError:
                continue


class Call:
    """Two phones and the two rows between them."""

    def __init__(self, tier: Tier, learning: int = ANY, **fields: object) -> None:
        self.tier = tier
        self.a, self.b = Phone(), Phone()
        self.left, self.right = tier.ports[:2]
        self.rows = {
            self.left: self.row(self.left, self.right, self.a, learning).replace(**fields),
            self.right: self.row(self.right, self.left, self.b, learning).replace(**fields),
        }
        for row in self.rows.values():
            tier.put(row)

    @staticmethod
    def row(port: int, partner: int, phone: Phone, learning: int) -> Row:
        host, rtp = phone.address
        return Row(
            port,
            partner=partner,
            host=socket.inet_aton(host),
            rtp=rtp,
            rtcp=rtp + 1,
            learning=learning,
            direction=SENDRECV,
            event=101,
        )

    def change(self, port: int, **fields: object) -> None:
        self.rows[port] = self.rows[port].replace(**fields)
        self.tier.put(self.rows[port])

    def exchange(self, one: bytes, other: bytes) -> tuple[list[bytes], list[bytes]]:
        """Both phones speak once; what a and b heard."""
        self.a.say(self.left, one)
        self.b.say(self.right, other)
        self.tier.settle()
        return self.a.heard(), self.b.heard()

    def talk(self) -> None:
        """Both ends learned, settled, and known to work."""
        self.exchange(b"x", b"y")
        self.tier.pass_time(1)
        assert self.exchange(b"1", b"2") == ([b"2"], [b"1"])
        assert self.exchange(b"3", b"4") == ([b"4"], [b"3"])


class TwinTests:
    """The behaviour every tier owes. Subclasses give a `tier` fixture."""

    def test_both_directions(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        statistics = tier.statistics(call.left)
        assert (statistics.packets, statistics.octets, statistics.lost) == (3, 3, 0)
        assert statistics.sent == 3

    def test_the_described_address_is_sent_to_before_anything_came(self, tier: Tier) -> None:
        call = Call(tier)
        for i in range(3):
            call.a.say(call.left, b"%d" % i)
        tier.settle()
        assert call.b.heard() == [b"0", b"1", b"2"]

    def test_learned_source_is_told_once(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        learned = [event for event in tier.events() if isinstance(event, control.Learned)]
        assert [(event.port, event.host, event.rtp) for event in learned] == [
            (call.left, socket.inet_aton(BOX), call.a.address[1]),
            (call.right, socket.inet_aton(BOX), call.b.address[1]),
        ]

    def test_a_source_behind_a_nat_is_learned_and_answered(self, tier: Tier) -> None:
        call = Call(tier)
        call.change(call.left, host=b"\xc0\x00\x02\x01", rtp=4000, rtcp=4001, window=1)
        call.a.say(call.left, b"first of two that make a source")
        call.a.say(call.left, b"second")
        tier.settle()
        assert call.b.heard() == [b"second"]
        call.b.say(call.right, b"answer")
        tier.settle()
        assert call.a.heard() == [b"answer"]

    def test_foreign_source_after_the_lock_is_never_forwarded(self, tier: Tier) -> None:
        call = Call(tier)
        same_host, other_host = Phone(), Phone("127.0.0.2")
        # queued before the tier ever looks: the first valid source locks, the rest is foreign
        for i in range(20):
            call.a.say(call.left, b"a%d" % i)
            same_host.say(call.left, b"foreign")
            other_host.say(call.left, b"foreign")
        tier.settle()
        assert call.b.heard() == [b"a%d" % i for i in range(20)]
        for wait in (0, 1, 1):
            tier.pass_time(wait)
            for _ in range(20):
                same_host.say(call.left, b"foreign")
                other_host.say(call.left, b"foreign")
            assert call.exchange(b"one", b"other") == ([b"other"], [b"one"])
        assert same_host.heard() == other_host.heard() == []

    def test_host_policy_takes_any_port_of_the_host_and_no_other_host(self, tier: Tier) -> None:
        call = Call(tier, HOST)
        foreign, moved = Phone("127.0.0.2"), Phone()
        for _ in range(5):
            foreign.say(call.left, b"foreign")
        moved.say(call.left, b"right")
        tier.settle()
        assert call.b.heard() == [b"right"]
        assert tier.statistics(call.left).foreign == 5

    def test_exact_policy_takes_one_port(self, tier: Tier) -> None:
        call = Call(tier, EXACT)
        foreign = Phone()
        foreign.say(call.left, b"foreign")
        assert call.exchange(b"one", b"other") == ([b"other"], [b"one"])

    def test_closed_row_forwards_and_learns_nothing(self, tier: Tier) -> None:
        call = Call(tier, CLOSED)
        assert call.exchange(b"one", b"other") == ([], [])
        assert tier.events() == []
        for port in (call.left, call.right):
            call.change(port, learning=ANY)
        assert call.exchange(b"one", b"other") == ([b"other"], [b"one"])

    def test_a_new_window_learns_anew_and_loses_nothing_queued(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        moved = Phone()
        host, rtp = moved.address
        moved.say(call.left, b"before the window: foreign")
        tier.settle()
        assert call.b.heard() == []
        call.change(call.left, window=1, host=socket.inet_aton(host), rtp=rtp, rtcp=rtp + 1)
        call.a.say(call.left, b"late packet of the old source")
        moved.say(call.left, b"new")
        call.a.say(call.left, b"late packet of the old source")
        tier.settle()
        call.b.say(call.right, b"answer")
        tier.settle()
        assert (call.b.heard(), moved.heard(), call.a.heard()) == ([b"new"], [b"answer"], [])

    def test_a_row_put_again_in_its_window_keeps_the_lock(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        call.change(call.left, silence=9)
        foreign = Phone()
        foreign.say(call.left, b"foreign")
        assert call.exchange(b"one", b"other") == ([b"other"], [b"one"])

    def test_a_row_with_a_source_is_locked_from_the_start(self, tier: Tier) -> None:
        phone, foreign, partner = Phone(), Phone(), Phone()
        left, right = tier.ports[:2]
        source = (socket.inet_aton(BOX), phone.address[1])
        tier.put(Call.row(left, right, foreign, ANY).replace(source=source))
        tier.put(Call.row(right, left, partner, ANY))
        foreign.say(left, b"described, but another was learned")
        phone.say(left, b"learned")
        tier.settle()
        assert partner.heard() == [b"learned"]

    def test_hold_directions(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        for left, right, heard in (
            (SENDONLY, RECVONLY, ([], [b"one"])),
            (RECVONLY, SENDONLY, ([b"other"], [])),
            (INACTIVE, INACTIVE, ([], [])),
            (SENDRECV, SENDRECV, ([b"other"], [b"one"])),
        ):
            call.change(call.left, direction=left)
            call.change(call.right, direction=right)
            assert call.exchange(b"one", b"other") == heard
        call.change(call.right, direction=SENDONLY)  # the other row alone is not enough to be sent to
        assert call.exchange(b"one", b"other") == ([b"other"], [])
        assert tier.statistics(call.left).forbidden == 2
        assert tier.statistics(call.right).forbidden == 2

    def test_random_packets_change_nothing(self, tier: Tier) -> None:
        """100,000 random datagrams from the known and a foreign address, RTP and RTCP ports."""
        call = Call(tier)
        call.talk()
        tier.events()
        foreign = Phone("127.0.0.2")
        noise = hashlib.shake_128(b"noise").digest(1 << 16)
        count = 0
        while count < 100_000:
            for i in range(16):
                at, size = (count + i) * 7919 % 65000, (count + i) * 31 % 300
                data = bytearray(noise[at : at + size])
                if i % 2:
                    foreign.rtp.sendto(data, (BOX, call.left))
                    foreign.rtcp.sendto(data, (BOX, call.left + 1))
                else:
                    if data:
                        data[0] &= 0x7F  # from the right address only what cannot be RTP
                    call.a.rtp.sendto(data, (BOX, call.left))
                    call.a.rtcp.sendto(data, (BOX, call.left + 1))
            count += 32
            tier.settle()
            if count % 3200 == 0:
                assert call.exchange(b"one", b"other") == ([b"other"], [b"one"])
        assert call.b.reports() == call.b.heard() == foreign.heard() == []
        assert tier.events() == []
        assert tier.statistics(call.left).bad >= 40_000
        call.exchange(b"still", b"here")

    def test_noise_never_locks(self, tier: Tier) -> None:
        call = Call(tier)
        foreign = Phone("127.0.0.2")
        noise = hashlib.shake_128(b"more noise").digest(1 << 16)
        for count in range(2000):
            data = bytearray(noise[count * 31 : count * 31 + 50])
            data[0] = 0x80
            foreign.rtp.sendto(data, (BOX, call.left))
            if count % 50 == 0:
                tier.settle()
        assert tier.events() == []
        assert call.exchange(b"one", b"other") == ([b"other"], [b"one"])

    def test_reports_reach_the_partner_and_follow_the_source(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        foreign = Phone("127.0.0.2")
        foreign.rtcp.sendto(REPORT, (BOX, call.left + 1))
        tier.settle()
        assert call.b.reports() == []
        call.a.rtcp.sendto(REPORT, (BOX, call.left + 1))
        foreign.rtcp.sendto(REPORT, (BOX, call.left + 1))
        call.b.rtcp.sendto(REPORT, (BOX, call.right + 1))
        tier.settle()
        assert (call.a.reports(), call.b.reports()) == ([REPORT], [REPORT])
        call.change(call.left, direction=INACTIVE)
        call.change(call.right, direction=INACTIVE)
        call.a.rtcp.sendto(REPORT, (BOX, call.left + 1))
        tier.settle()
        assert call.b.reports() == [REPORT]

    def test_muxed_reports(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        call.change(call.left, mux=True)
        call.a.rtp.sendto(REPORT, (BOX, call.left))
        call.b.rtcp.sendto(REPORT, (BOX, call.right + 1))
        tier.settle()
        assert call.b.reports() == [REPORT]
        assert call.a.raw(call.a.rtp) == [REPORT]

    def test_reports_on_the_rtp_port_without_mux_are_dropped(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        call.a.rtp.sendto(REPORT + bytes(8), (BOX, call.left))
        tier.settle()
        assert call.b.heard() == call.b.reports() == []
        assert tier.statistics(call.left).bad == 1

    def test_telephone_events_pass_and_cut_ones_do_not(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        call.a.say(call.left, b"\x05\x8a\x03\x20", 101)
        call.a.say(call.left, b"\x05\x8a\x03", 101)
        tier.settle()
        assert call.b.heard() == [b"\x05\x8a\x03\x20"]
        assert tier.statistics(call.left).bad == 1

    def test_payload_types_are_mapped(self, tier: Tier) -> None:
        call = Call(tier)
        call.change(call.left, payloads=((96, 101),))
        call.a.rtp.sendto(bytes(Packet(96, 1, 1, 1, b"mapped", marker=True)), (BOX, call.left))
        call.a.rtp.sendto(bytes(Packet(8, 2, 1, 1, b"not")), (BOX, call.left))
        tier.settle()
        packets = [Packet.parse(data) for data in call.b.raw(call.b.rtp)]
        assert [(packet.payload_type, packet.marker) for packet in packets] == [(101, True), (8, False)]

    def test_silence_is_told_once_per_silence_and_not_on_hold(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        for port in (call.left, call.right):
            call.change(port, silence=5)
        tier.events()
        for _ in range(4):
            call.a.say(call.left, b"here")
            tier.settle()
            tier.pass_time(3)
        timeouts = [event for event in tier.events() if isinstance(event, control.Timeout)]
        assert timeouts == [control.Timeout(port=call.right)]
        call.exchange(b"again", b"again")
        tier.pass_time(3)
        for port in (call.left, call.right):
            call.change(port, direction=INACTIVE)
        tier.pass_time(30)
        assert tier.events() == []
        for port in (call.left, call.right):
            call.change(port, direction=SENDRECV)
        tier.pass_time(3)
        assert tier.events() == []
        tier.pass_time(3)
        assert len(tier.events()) == 2

    def test_who_says_nothing_for_some_seconds_is_told_once(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        for port in (call.left, call.right):
            call.change(port, silence=30)
        tier.events()
        for _ in range(8):
            call.a.say(call.left, b"here")
            tier.settle()
            tier.pass_time(control.QUIET / 4)
        assert tier.events() == [control.Quiet(port=call.right)]
        assert tier.statistics(call.right).idle >= control.QUIET * 1000
        call.exchange(b"again", b"again")
        tier.pass_time(control.QUIET + 1.5)
        told = tier.events()
        assert len(told) == 2
        assert all(isinstance(one, control.Quiet) for one in told)

    def test_a_port_forwards_only_to_a_partner_that_names_it(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        call.change(call.right, partner=tier.ports[2])
        assert call.exchange(b"one", b"other") == ([], [])
        call.change(call.right, partner=call.left)
        assert call.exchange(b"one", b"other") == ([b"other"], [b"one"])

    def test_what_came_before_the_call_or_after_it_reaches_nobody(self, tier: Tier) -> None:
        left = tier.ports[0]
        early = Phone()
        early.say(left, b"early")
        tier.settle()
        call = Call(tier)
        tier.settle()
        assert call.b.heard() == []
        call.talk()
        tier.remove(call.left)
        assert call.exchange(b"one", b"other") == ([], [])
        tier.put(call.rows[call.left])
        tier.settle()
        assert call.b.heard() == []
        assert tier.statistics(call.left).packets == 0
        assert call.exchange(b"one", b"other") == ([b"other"], [b"one"])

    def test_what_was_queued_when_a_call_ended_reaches_no_other(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        call.a.say(call.left, b"last words")
        tier.remove(call.left)
        call.b.heard()  # a tier may be quicker than the end of the call
        tier.put(call.rows[call.left].replace(window=1))
        tier.settle()
        assert call.b.heard() == []
        assert call.exchange(b"one", b"other") == ([b"other"], [b"one"])

    def test_a_far_end_that_refuses_harms_nobody(self, tier: Tier) -> None:
        call = Call(tier)
        call.talk()
        call.b.close()
        for _ in range(10):
            call.a.say(call.left, b"to nobody")
            tier.settle()
        assert tier.statistics(call.left).packets == 13
        again = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        again.bind(call.b.address)
        again.setblocking(False)
        call.a.say(call.left, b"lost to the last refusal, perhaps")
        tier.settle()
        call.a.say(call.left, b"back")
        tier.settle()
        assert Packet.parse(Phone.raw(again)[-1]).payload == b"back"
        again.close()
