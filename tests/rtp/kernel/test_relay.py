"""The relay program at work: a box with two networks, a phone in each, veth between."""

import contextlib
import itertools
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rtp.kernel.program import OBJECT, Program
from rtp.kernel.tier import EXPEDITED, KernelTier, Source
from rtp.packet import Packet
from rtp.plan import ANY, RECVONLY, SENDRECV, Row
from tests.support import namespace

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(bool(namespace.missing()), reason=namespace.missing() or "-"),
]
OBJECT_FILE = Path(__file__).parents[3] / "rtp" / "kernel" / OBJECT
LEFT, RIGHT = 16384, 16386
PORTS = (LEFT, RIGHT)
APART = {
    4: (("10.0.1.1", "10.0.1.2"), ("10.0.2.1", "10.0.2.2")),
    6: (("fd00:1::1", "fd00:1::2"), ("fd00:2::1", "fd00:2::2")),
}
_numbers = itertools.count()


@dataclass
class End:
    """An end of the portable loop, as far as the tier looks at it."""

    port: int
    row: Row | None
    peer: Source | None
    local: str
    route: "End | None" = field(default=None, repr=False)


class Phone:
    """A phone in a namespace of its own behind a veth, and the box's socket that faces it."""

    def __init__(self, number: int, family: int, vlan: bool) -> None:
        ours, self.host = APART[family][number]
        self.ours = ours
        self.space = f"bl-{os.getpid()}-{next(_numbers)}"
        self.near, far = f"box{number}", f"phone{number}"
        length = "/24" if family == 4 else "/64"
        namespace.run("ip", "netns", "add", self.space)
        try:
            inside = ("ip", "-n", self.space)
            namespace.run(
                "ip", "link", "add", self.near, "type", "veth", "peer", "name", far, "netns", self.space
            )
            self.attached = socket.if_nametoindex(self.near)
            if vlan:
                for command, name in ((("ip",), self.near), (inside, far)):
                    namespace.run(*command, "link", "set", name, "up")
                    tagged = ("name", f"{name}.7", "type", "vlan", "id", "7")
                    namespace.run(*command, "link", "add", "link", name, *tagged)
                self.near, far = f"{self.near}.7", f"{far}.7"
            nodad = ("nodad",) if family == 6 else ()
            for command, name, host in ((("ip",), self.near, ours), (inside, far, self.host)):
                namespace.run(*command, "addr", "add", host + length, "dev", name, *nodad)
                namespace.run(*command, "link", "set", name, "up")
            self.interface = socket.if_nametoindex(self.near)
            kind = socket.AF_INET if family == 4 else socket.AF_INET6
            self.box = socket.socket(kind, socket.SOCK_DGRAM)
            self.box.bind((ours, PORTS[number]))
            self.box.settimeout(0.3)
            with namespace.entered(self.space):
                self.rtp = socket.socket(kind, socket.SOCK_DGRAM)
                self.rtp.bind((self.host, 4000))
                self.rtp.settimeout(2)
        except BaseException:
            self.close()
            raise
        self.end = End(PORTS[number], None, (self.host, 4000), ours)
        self.sequence = 0

    def say(self, text: bytes, payload_type: int = 0) -> None:
        packet = Packet(payload_type, self.sequence, self.sequence * 160, 7, text)
        self.sequence += 1
        self.rtp.sendto(bytes(packet), (self.ours, self.end.port))

    def heard(self) -> tuple[bytes, Source]:
        data, source = self.rtp.recvfrom(2048)
        return Packet.parse(data).payload, source[:2]

    def close(self) -> None:
        for name in ("box", "rtp"):
            if hasattr(self, name):
                getattr(self, name).close()
        namespace.run("ip", "netns", "del", self.space)


class Site:
    """Two phones in two networks and the box between, which relays in the kernel."""

    def __init__(self, family: int, vlan: bool, left: dict[str, int] | None = None) -> None:
        from pyroute2 import IPRoute

        program = Program.parse(OBJECT_FILE.read_bytes())
        self.maps = program.create_maps()
        self.program = program.load(self.maps)
        self.phones = [Phone(number, family, vlan) for number in (0, 1)]
        with IPRoute() as route:
            for phone in self.phones:
                route.tc("add", "clsact", phone.attached)
                route.tc(
                    "add-filter", "bpf", phone.attached, ":1", fd=self.program, name="branchline",
                    parent="ffff:fff2", classid=1, direct_action=True,
                )  # fmt: skip
        by_host = {phone.host: phone for phone in self.phones}
        self.tier = KernelTier(self.maps, lambda _, host: by_host[host].interface, PORTS)
        one, other = (phone.end for phone in self.phones)
        one.route, other.route = other, one
        for end, fields in ((one, left or {}), (other, {})):
            end.row = Row(
                end.port, partner=LEFT + RIGHT - end.port, learning=ANY, direction=SENDRECV, event=101
            ).replace(**fields)
            self.tier.begin(end)
        for end in (one, other):
            self.tier.follow(end)

    def close(self) -> None:
        os.close(self.program)
        for each in self.maps.values():
            each.close()
        for phone in self.phones:
            phone.close()


@contextlib.contextmanager
def running(family: int, *, vlan: bool = False) -> Iterator[Site]:
    with namespace.network():
        site = Site(family, vlan)
        try:
            yield site
        finally:
            site.close()


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with running(request.param) as site:
        yield site


@pytest.mark.skipif(not namespace.has_vlan(), reason="no VLAN interfaces here: tagged packets are not tried")
def test_packets_with_a_tag_lose_it_and_get_the_other_network_s() -> None:
    with running(4, vlan=True) as site:
        one, other = site.phones
        one.say(b"tagged")
        assert other.heard() == (b"tagged", (other.ours, RIGHT))
        assert site.tier.seen(one.end).forwarded == 1


def test_packets_cross_and_meet_no_socket_of_ours(site: Site) -> None:
    one, other = site.phones
    for number in range(50):
        one.say(b"a%d" % number)
        other.say(b"b%d" % number)
    for number in range(50):
        assert other.heard() == (b"a%d" % number, (other.ours, RIGHT))
        assert one.heard() == (b"b%d" % number, (one.ours, LEFT))
    for phone in site.phones:
        with pytest.raises(TimeoutError):
            phone.box.recv(2048)
    seen = site.tier.seen(one.end)
    assert (seen.packets, seen.forwarded, seen.lost, seen.cut) == (50, 50, 0, 0)
    assert seen.octets == sum(len(b"a%d" % number) for number in range(50))
    assert 0 < seen.heard <= time.monotonic()


def test_what_is_not_routine_is_passed_up(site: Site) -> None:
    one, other = site.phones
    one.say(b"\x05\x8a\x03\x20", 101)
    assert Packet.parse(one.box.recv(2048)).payload_type == 101
    for data in (
        bytes.fromhex("80c90001") + bytes(12),  # RTCP on the RTP port
        bytes(20),  # STUN, or nothing at all
        bytes([22]) + bytes(40),  # DTLS
        bytes([0x81, 0]) + bytes(20),  # a contributing source
        b"\x80",
    ):
        one.rtp.sendto(data, (one.ours, LEFT))
        assert one.box.recv(2048) == data
    with namespace.entered(one.space):
        stranger = socket.socket(one.rtp.family, socket.SOCK_DGRAM)
    stranger.sendto(bytes(Packet(0, 1, 1, 1, b"injected")), (one.ours, LEFT))
    assert Packet.parse(one.box.recv(2048)).payload == b"injected"
    stranger.close()
    assert site.tier.seen(one.end).packets == 1  # the telephone-event counts, so that it is not missed
    other.rtp.settimeout(0.2)
    with pytest.raises(TimeoutError):
        other.rtp.recv(2048)


def test_a_call_moves_between_the_tiers_and_loses_nothing(site: Site) -> None:
    one, other = site.phones
    row = one.end.row
    assert row is not None
    up = 0
    for number in range(60):
        if number % 20 == 10:
            one.end.row = row.replace(direction=RECVONLY)
            site.tier.follow(one.end)
        elif number % 20 == 0:
            one.end.row = row
            site.tier.follow(one.end)
        one.say(b"%d" % number)
        time.sleep(0.002)
        if number % 20 >= 10:
            assert Packet.parse(one.box.recv(2048)).payload == b"%d" % number
            up += 1
        else:
            assert other.heard()[0] == b"%d" % number
    assert up == 30
    assert len(site.tier) == 1
    site.tier.clear()
    one.say(b"all to the sockets")
    assert one.box.recv(2048)


def test_loss_and_another_stream_are_counted(site: Site) -> None:
    one, _ = site.phones
    for sequence in (65530, 65531, 65534, 65535, 2, 1, 3):
        one.sequence = sequence
        one.say(b"x")
    time.sleep(0.05)
    seen = site.tier.seen(one.end)
    assert (seen.packets, seen.lost) == (7, 3)


def test_a_budget_is_cut_at_the_packet_that_does_not_fit() -> None:
    with running(4) as site:
        one, other = site.phones
        row = other.end.row
        assert row is not None
        other.end.row = row.replace(budget=3)
        site.tier.follow(one.end)
        packet = 20 + 8 + 12 + 100
        site.maps["budgets"].put((3).to_bytes(4, "little"), (packet * 5 + 1).to_bytes(8, "little") + bytes(8))
        for _ in range(9):
            one.say(bytes(100))
        for _ in range(5):
            other.heard()
        other.rtp.settimeout(0.2)
        with pytest.raises(TimeoutError):
            other.heard()
        left = site.maps["budgets"].get((3).to_bytes(4, "little")) or b""
        assert (int.from_bytes(left[:8], "little"), int.from_bytes(left[8:], "little")) == (1, 4)
        assert (site.tier.seen(one.end).forwarded, site.tier.seen(one.end).cut) == (5, 4)


def test_packets_leave_marked_as_voice_with_a_fresh_life_and_a_right_checksum() -> None:
    """Sent and received by raw sockets, as a card without offload would; checksums are made anew here."""
    with running(4) as site:
        one, other = site.phones
        one.say(b"so that both know the other's hardware address")
        other.heard()
        raw = []
        for phone, name in ((one, "phone0"), (other, "phone1")):
            with namespace.entered(phone.space):
                raw.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)))
                raw[-1].bind((name, 0x0800))
                raw[-1].settimeout(2)
        link = namespace.run("ip", "-o", "link", "show", one.near)
        to = bytes.fromhex(link.partition("link/ether ")[2][:17].replace(":", ""))
        for text in (b"odd" * 7, b"even" * 8):
            raw[0].send(to + bytes(6) + b"\x08\x00" + _datagram(one, text))
            data = raw[1].recv(2048)[14:]
            assert (data[1], data[8]) == (EXPEDITED, 64)
            assert _sum(data[:20]) == 0
            assert _sum(data[12:20] + bytes([0, 17]) + data[24:26] + data[20:]) == 0
            assert data.endswith(text)
        for each in raw:
            each.close()


def _datagram(phone: Phone, text: bytes) -> bytes:
    """Return an IPv4 datagram of a phone to the box, life 9, best effort."""
    payload = bytes(Packet(0, 1, 1, 1, text))
    length = 8 + len(payload)
    ends = socket.inet_aton(phone.host) + socket.inet_aton(phone.ours)
    udp = (4000).to_bytes(2) + LEFT.to_bytes(2) + length.to_bytes(2)
    check = _sum(ends + bytes([0, 17]) + length.to_bytes(2) + udp + bytes(2) + payload)
    head = bytes([0x45, 0]) + (20 + length).to_bytes(2) + bytes(4) + bytes([9, 17])
    return head + _sum(head + bytes(2) + ends).to_bytes(2) + ends + udp + check.to_bytes(2) + payload


def _sum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071); 0 for what carries its own."""
    data += b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
