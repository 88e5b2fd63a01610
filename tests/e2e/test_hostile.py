"""What comes from outside can only be answered or counted: a call beside it goes on unharmed."""

import os
import random
import re
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.support.crowd import Crowd
from tests.support.office import Office, own_kib
from tests.support.sipwire import sdp
from tests.support.storm import storm
from tests.support.streams import Streams

pytestmark = pytest.mark.e2e
NET = 66
TORTURE = Path(__file__).parents[1] / "sip" / "torture"
SEED = 4475


def mutated(rng: random.Random, messages: list[bytes]) -> bytes:
    """One of the messages with a few bytes changed, cut or doubled."""
    data = bytearray(rng.choice(messages))
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(4)
        if what == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif what == 1:
            del data[at : at + rng.randint(1, 40)]
        elif what == 2:
            data[at:at] = data[at : at + rng.randint(1, 200)] * rng.randint(1, 20)
        else:
            data[at:at] = rng.choice(
                [b"\r\n", b"\0", b"\xff\xfe", b"%00", b",", b'"', b"<", b";;", b"9" * 40]
            )
    return bytes(data[:60000])


def messages(office: Office) -> list[bytes]:
    """Torture messages, if the tree has them, and well-formed ones of our own."""
    with office.wire(20, 5070) as wire:
        uri = f"sip:101@{office.server}"
        own = [
            wire.request("INVITE", uri, user="102", to=f"<{uri}>", body=sdp(office.address(20), 4000)),
            wire.request("REGISTER", f"sip:{office.server}", user="101", headers=(("Expires", "60"),)),
            wire.request("OPTIONS", f"sip:{office.server}", user="101"),
            wire.request("BYE", uri, user="102", to=f"<{uri}>;tag=1"),
            wire.request("CANCEL", uri, user="102", to=f"<{uri}>"),
            wire.request("ACK", uri, user="102", to=f"<{uri}>;tag=2"),
            b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nCSeq: 1 INVITE\r\nCall-ID: a\r\n\r\n",
            b"\r\n\r\n",
            b"\0" * 100,
        ]
    return own + [path.read_bytes() for path in sorted(TORTURE.glob("*.dat"))]


def attack(office: Office, rng: random.Random, seconds: float) -> int:
    """Send mutated messages over UDP, and over TCP connections that break off anywhere; how many."""
    base, sent, end = messages(office), 0, time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((office.address(21), 0))
        while time.monotonic() < end:
            for _ in range(20):
                udp.sendto(mutated(rng, base), office.box.udp)
            with socket.create_connection(office.box.tcp, timeout=5) as tcp:
                tcp.sendall(rng.choice(base) + mutated(rng, base)[: rng.randrange(1, 2000)])
            sent += 22
            time.sleep(0.01)
    return sent


def suffer(office: Office, seconds: float) -> None:
    """Hold a call with sound while the attack goes on; judge box and call."""
    storm(office.box.udp, office.address(11), [office.login("102")])
    addresses = office.address(10), office.address(11)
    with (
        Streams() as streams,
        Crowd(office.box.udp, addresses, [office.login("101")], ["102"], streams) as crowd,
    ):
        streams.start()
        crowd.begin()
        crowd.settle(10)
        crowd.wait(0.3)
        assert crowd.load.answered == 1
        memory, marks = own_kib(office.box.pid), streams.marks()
        assert attack(office, random.Random(SEED), seconds) > 100
        streams.silent = True
        crowd.wait(0.3)
        lost, sent = streams.lost_since(marks)
        assert sent > 50 * seconds
        assert lost == 0
        load = crowd.finish()
    assert load.ended == 1
    counters = office.box.ask("status")["counters"]
    assert sum(count for name, count in counters.items() if name.startswith("bad message")) > 10
    assert not re.search(r"^[\d:.]+ \*", office.box.output(), re.MULTILINE), "an alarm in the log"
    assert own_kib(office.box.pid) < memory + 10 * 1024
    with office.wire(22) as wire:
        assert wire.register("103", office.secret("103")).status == 200


def test_broken_messages_beside_a_call(office: Office) -> None:
    suffer(office, 3)


@pytest.mark.prove
@pytest.mark.timeout(120)
def test_broken_messages_beside_a_call_for_a_minute(office: Office) -> None:
    suffer(office, 60)


def test_noise_on_the_media_ports_is_not_relayed(office: Office) -> None:
    storm(office.box.udp, office.address(13), [office.login("104")])
    addresses = office.address(12), office.address(13)
    rng = random.Random(SEED)
    with (
        Streams() as streams,
        Crowd(office.box.udp, addresses, [office.login("103")], ["104"], streams) as crowd,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise,
    ):
        noise.bind((office.address(23), 0))
        streams.start()
        crowd.begin()
        crowd.settle(10)
        crowd.wait(0.5)
        marks = streams.marks()
        for stream in list(streams.streams):
            assert stream.remote
            for _ in range(200):
                noise.sendto(rng.randbytes(rng.randrange(1, 1400)), stream.remote)
        crowd.wait(0.5)
        streams.silent = True
        crowd.wait(0.3)
        lost, sent = streams.lost_since(marks)
        crowd.finish()
    assert (lost, sent > 30) == (0, True)
    assert [stream.odd for stream in streams.streams] == [0, 0]


def test_calls_outlive_their_media_process(office: Office) -> None:
    """It is killed: another takes over its ports and rows, and the sound goes on."""
    storm(office.box.udp, office.address(15), [office.login("106")])
    addresses = office.address(14), office.address(15)
    with (
        Streams() as streams,
        Crowd(office.box.udp, addresses, [office.login("105")], ["106"], streams) as crowd,
    ):
        streams.start()
        crowd.begin()
        crowd.settle(10)
        crowd.wait(0.5)
        media = office.processes()[1]
        os.kill(media, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while office.box.ask("status")["counters"]["media process restarted"] < 1:
            assert time.monotonic() < deadline
            crowd.turn(0.05)
        crowd.wait(0.5)
        marks = streams.marks()
        crowd.wait(0.5)
        time.sleep(0.5)
        streams.silent = True
        crowd.wait(0.3)
        lost, sent = streams.lost_since(marks)
        load = crowd.finish()
    assert sent > 40
    assert lost == 0
    assert load.ended == 1
    assert office.processes()[1] != media
