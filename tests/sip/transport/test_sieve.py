"""What the kernel drops for us: asked of a real socket, without any privilege."""

from __future__ import annotations

import socket

import pytest

from sip.transport.sieve import MOST, hold_back, program


def _received(sock: socket.socket) -> list[bytes]:
    got = []
    while True:
        try:
            got.append(sock.recv(100))
        except BlockingIOError:
            return got


@pytest.mark.native
@pytest.mark.parametrize("place", [0, MOST - 1])
def test_one_source_is_held_back_and_nobody_else(place: int) -> None:
    others = [f"192.0.2.{n}" for n in range(MOST - 1)]
    held = [*others[:place], "127.0.66.1", *others[place:]]
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone,
    ):
        box.setblocking(False)
        box.bind(("127.0.66.9", 0))
        flooder.bind(("127.0.66.1", 0))
        phone.bind(("127.0.66.2", 0))
        assert hold_back(box, held)
        for data in (b"flood", b"", b"REGISTER sip:a", b"INVITE sip:112@a"):
            flooder.sendto(data, box.getsockname())
        phone.sendto(b"phone", box.getsockname())
        phone.sendto(b"", box.getsockname())
        assert _received(box) == [b"INVITE sip:112@a", b"phone", b""]
        assert hold_back(box, [])
        flooder.sendto(b"flood", box.getsockname())
        assert _received(box) == [b"flood"]


def test_of_invites_only_those_that_may_be_for_help_pass() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder,
    ):
        box.setblocking(False)
        box.bind(("127.0.66.9", 0))
        flooder.bind(("127.0.66.1", 0))
        for numbers in (["112", "18", "999"], ["112"], ["999"] * 3 + ["18", "112", "1515", "116000"]):
            assert hold_back(box, ["127.0.66.1"], numbers)
            wanted = [b"INVITE sip:112@a", b"INVITE sips:112@a", b"INVITE tel:112", b"INVITE sip:11"]
            for data in (
                *wanted,
                b"INVITE sip:101@a",
                b"INVITE sips:101@a",
                b"INVITE",
                b"INVITE sip:1",
                b"OPTIONS sip:112@a",
            ):
                flooder.sendto(data, box.getsockname())
            assert _received(box) == wanted
            wanted = [b"INVITE sip:%s@a" % number.encode() for number in numbers]
            for data in wanted:
                flooder.sendto(data, box.getsockname())
            assert _received(box) == wanted


def test_a_v6_source_is_its_network() -> None:
    with (
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as box,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer,
    ):
        box.setblocking(False)
        box.bind(("::1", 0))
        peer.bind(("::1", 0))
        assert hold_back(box, ["2001:db8::1", *[f"2001:db8:{n:x}::1" for n in range(MOST - 1)]])
        peer.sendto(b"one", box.getsockname())
        assert hold_back(box, [*[f"2001:db8:{n:x}::1" for n in range(MOST - 1)], "::2"])
        peer.sendto(b"two", box.getsockname())
        peer.sendto(b"INVITE sip:112@a", box.getsockname())
        assert _received(box) == [b"one", b"INVITE sip:112@a"]


def test_every_jump_stays_within_its_octet() -> None:
    code = program([f"2001:db8:{n:x}::1" for n in range(MOST)], v6=True)
    assert len(code) == 8 * (4 * MOST + 5)
    longest = program([f"2001:db8:{n:x}::1" for n in range(MOST)], [f"{n:02}" for n in range(100)], v6=True)
    assert len(longest) < 8 * 4096


def test_a_kernel_that_will_not_is_no_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
        pass
    assert not hold_back(box, ["192.0.2.1"])
