"""The handshake of DTLS-SRTP against OpenSSL as it comes, over a network that loses, repeats and reorders."""

import random

import pytest

from rtp import dtls
from rtp.dtls import Doorkeeper, Handshake, Identity
from rtp.keys import AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80
from rtp.link import ACTIVE, PASSIVE, Link
from tests.support.dtls_peer import OURS, THEIRS, Peer


class Bed:
    """We at one end, a peer at the other, and between them a network of the test's choice."""

    def __init__(self, peer: Peer, role: int = PASSIVE, digest: bytes = THEIRS[2]) -> None:
        self.peer = peer
        self.now = 100.0
        identity = Identity(*OURS[:2])
        self.ours = Handshake(identity, Link(1, role, digest), self.now)

    def run(self, chooser: random.Random, loss: float = 0.0) -> None:
        """Pass datagrams on until both are done, in any order, lost with some probability."""
        up = self.peer.start()
        down = self.ours.start(self.now)
        for _ in range(400):
            up, down = ([each for each in queue if chooser.random() >= loss] for queue in (up, down))
            chooser.shuffle(up)
            chooser.shuffle(down)
            sent, up = up, []
            for datagram in sent:
                down += self.ours.receive(datagram, self.now)
            sent, down = down, []
            for datagram in sent:
                up += self.peer.receive(datagram)
            if self.ours.failed or (self.ours.keys is not None and self.peer.done):
                return
            if not up and not down:
                self.now = max(self.now + 0.5, min(self.ours.due or self.now, self.now + 1))
                down = list(self.ours.tick(self.now))
                up = list(self.peer.flight)


@pytest.mark.parametrize(
    ("profile", "suite", "size"),
    [
        (b"SRTP_AEAD_AES_128_GCM", AEAD_AES_128_GCM, 56),
        (b"SRTP_AES128_CM_SHA1_80", AES_CM_128_HMAC_SHA1_80, 60),
    ],
)
@pytest.mark.parametrize("role", [PASSIVE, ACTIVE])
def test_both_ends_get_the_same_keys(profile: bytes, suite: int, size: int, role: int) -> None:
    bed = Bed(Peer(client=role == PASSIVE, profiles=profile), role)
    bed.run(random.Random(1))
    keys = bed.ours.keys
    assert keys is not None
    assert keys.suite == suite
    material = bed.peer.keys(size)
    key = 16
    salt = size // 2 - key
    client = material[:key] + material[2 * key : 2 * key + salt]
    server = material[key : 2 * key] + material[2 * key + salt :]
    assert (keys.receive, keys.send) == ((client, server) if role == PASSIVE else (server, client))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("role", [PASSIVE, ACTIVE])
def test_it_gets_there_over_a_network_that_loses_and_reorders(seed: int, role: int) -> None:
    bed = Bed(Peer(client=role == PASSIVE), role)
    bed.run(random.Random(seed), loss=0.3)
    assert bed.ours.keys is not None
    assert bed.peer.done


@pytest.mark.parametrize("role", [PASSIVE, ACTIVE])
def test_another_certificate_than_the_description_told_gets_no_keys(role: int) -> None:
    bed = Bed(Peer(client=role == PASSIVE), role, digest=bytes([THEIRS[2][0] ^ 1]) + THEIRS[2][1:])
    bed.run(random.Random(1))
    assert bed.ours.failed
    assert bed.ours.keys is None


def test_a_lost_flight_is_sent_again_when_its_time_has_come_and_not_for_ever() -> None:
    bed = Bed(Peer(client=False), ACTIVE)
    first = bed.ours.start(bed.now)
    assert first
    assert bed.ours.tick(bed.now + dtls.FIRST - 0.01) == []
    sent = []
    now = bed.now
    while bed.ours.due is not None:
        now = bed.ours.due
        sent += [now - bed.now] if bed.ours.tick(now) else []
    assert sent[:4] == pytest.approx([0.5, 1.5, 3.5, 7.5])
    assert now - bed.now == dtls.LIMIT
    assert bed.ours.failed


def test_who_lost_the_last_flight_gets_it_again() -> None:
    bed = Bed(Peer(client=True))
    up = bed.peer.start()
    for _ in range(20):
        down = [said for each in up for said in bed.ours.receive(each, bed.now)]
        if bed.ours.keys is not None:
            break
        up = [said for each in down for said in bed.peer.receive(each)]
    assert down
    assert not bed.peer.done
    again = [said for each in bed.peer.flight for said in bed.ours.receive(each, bed.now + 1)]
    for each in again:
        bed.peer.receive(each)
    assert bed.peer.done


def test_a_handshake_takes_no_more_than_its_measure() -> None:
    bed = Bed(Peer(client=True))
    for _ in range(dtls.MOST_DATAGRAMS + 10):
        bed.ours.receive(b"\x16\xfe\xfd" + bytes(10), bed.now)
    [hello] = bed.peer.start()
    assert bed.ours.receive(hello, bed.now) == []
    assert bed.ours.keys is None


@pytest.mark.parametrize(
    "junk", [b"", b"\x16", b"\x16\xfe\xfd" + bytes(10), bytes(range(20, 60)), b"\x16" * 1400]
)
def test_junk_changes_nothing(junk: bytes) -> None:
    bed = Bed(Peer(client=True))
    if junk:
        bed.ours.receive(junk, bed.now)
    bed.run(random.Random(3))
    assert bed.ours.keys is not None


def test_the_doorkeeper_answers_with_less_than_it_got_and_keeps_who_cannot_be_reached_out() -> None:
    keeper = Doorkeeper(Identity(*OURS[:2]))
    peer = Peer(client=True)
    [first] = peer.start()
    answers, begun = keeper.admit(first, b"127.0.0.1:9")
    assert begun is None
    assert 0 < sum(map(len, answers)) <= len(first)
    [second] = [said for each in answers for said in peer.receive(each)]
    _, stranger = keeper.admit(second, b"127.0.0.2:9")
    assert stranger is None, "a cookie is good for the address it was sent to"
    answers, begun = keeper.admit(second, b"127.0.0.1:9")
    assert begun is not None
    ours = Handshake(Identity(*OURS[:2]), Link(1, PASSIVE, THEIRS[2]), 0.0, begun)
    down = ours.start(0.0)
    for _ in range(10):
        up = [said for each in down for said in peer.receive(each)]
        down = [said for each in up for said in ours.receive(each, 0.0)]
    assert ours.keys is not None
    assert peer.done
