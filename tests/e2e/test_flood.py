"""A flood from one source does not take service from the others."""

import contextlib
import multiprocessing
import socket
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from tests.support.load import Login, in_child, outcome
from tests.support.office import Office

pytestmark = [pytest.mark.e2e, pytest.mark.prove]

PHONES = 50
SECONDS = 6.0
RATE = 100
HOLD_BACK_MS = 250.0


def _datagram(kind: str, server: tuple[str, int], own: str, number: int) -> bytes:
    if kind == "garbage":
        return b"\x00garbage %d " % number * 20
    return (
        f"{kind} sip:101@{server[0]} SIP/2.0\r\nVia: SIP/2.0/UDP {own}:5060;branch=z9hG4bKf{number};rport\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:101@{server[0]}>;tag=f{number}\r\nTo: <sip:101@{server[0]}>\r\n"
        f"Call-ID: flood-{number}\r\nCSeq: 1 {kind}\r\nContact: <sip:101@{own}>\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def _pour(kind: str, server: tuple[str, int], own: str, over: Event, begun: Event) -> None:
    messages = [_datagram(kind, server, own, number) for number in range(2000)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((own, 5060))
        begun.set()
        while not over.is_set():
            for message in messages:
                with contextlib.suppress(OSError):
                    sock.sendto(message, server)


@contextlib.contextmanager
def flood(kind: str, server: tuple[str, int], own: str) -> Iterator[None]:
    """Send as fast as a process can, from one address."""
    context = multiprocessing.get_context("spawn")
    over, begun = context.Event(), context.Event()
    process = context.Process(target=_pour, args=(kind, server, own, over, begun))
    process.start()
    try:
        assert begun.wait(20)
        time.sleep(1)
        yield
    finally:
        over.set()
        process.join(10)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", ["garbage", "REGISTER", "INVITE"])
def test_fifty_phones_register_while_one_source_floods(tmp_path: Path, kind: str) -> None:
    with Office(tmp_path, 93) as office:
        rows = "number,name\n" + "".join(f"{number},Flood {number}\n" for number in range(300, 300 + PHONES))
        made = office.box.ask("extension.import", csv=rows)
        logins = [Login(str(one["number"]), str(one["secret"])) for one in made]

        def registered() -> dict[str, float]:
            child = in_child(
                "storm",
                server=office.box.udp,
                address=office.address(9),
                logins=logins,
                seconds=SECONDS,
                rate=RATE,
            )
            return outcome(child, 120)

        calm = registered()
        with flood(kind, office.box.udp, office.address(66)):
            flooded = registered()
        counters = office.box.ask("status")
        assert counters
        print(kind, "calm", calm, "flooded", flooded)
        assert flooded["refused"] == calm["refused"] == 0
        assert flooded["registered"] >= 0.9 * calm["registered"]
        assert flooded["resent"] <= 0.01 * flooded["registered"]
        # The flooding process takes a core from the box and the phones: nobody may wait for long.
        assert flooded["p99_ms"] < max(10 * calm["p99_ms"], HOLD_BACK_MS)
        assert registered()["refused"] == 0
