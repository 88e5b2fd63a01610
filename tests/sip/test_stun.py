from __future__ import annotations

import asyncio

import pytest

from sip.stun import answer
from tests.sip.transport.support import Peer, box

# RFC 5769 2.2 and 2.3: the transaction, and the addresses as they are masked there.
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
ASKED = bytes.fromhex("000100002112a442") + TRANSACTION


@pytest.mark.parametrize(
    ("host", "masked"),
    [
        ("192.0.2.1", "0001a147e112a643"),
        ("2001:db8:1234:5678:11:2233:4455:6677", "0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"),
    ],
)
def test_the_addresses_of_the_test_vectors(host: str, masked: str) -> None:
    told = answer(ASKED, (host, 32853))
    assert told is not None
    assert told[:2] == b"\x01\x01"
    assert told[4:20] == ASKED[4:20]
    assert told[20:22] == b"\x00\x20"
    assert told[24:].hex() == masked
    assert len(told) - len(ASKED) <= 24


@pytest.mark.parametrize("data", [b"", ASKED[:19], ASKED + b"x", b"\x01\x01" + ASKED[2:], bytes(20)])
def test_anything_else_is_not_answered(data: bytes) -> None:
    assert answer(data, ("192.0.2.1", 1)) is None


def test_a_keep_alive_on_the_sip_socket() -> None:
    async def scene() -> None:
        async with box() as here:
            peer = Peer(here.bind("UDP"))
            peer.send(ASKED[:10])
            peer.send(ASKED)
            assert await peer.receive() == answer(ASKED, peer.address)
            assert here.transports.counters["udp: odd STUN"] == 1
            peer.close()

    asyncio.run(scene())
