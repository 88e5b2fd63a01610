"""The handshake of DTLS-SRTP against OpenSSL as it comes, over a network that loses, repeats and reorders."""

import datetime
import random
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from rtp import dtls
from rtp.dtls import Doorkeeper, Handshake, Identity
from rtp.keys import AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80
from rtp.link import ACTIVE, PASSIVE, Link

Deliver = Callable[[bytes], list[bytes]]


def certificate() -> tuple[bytes, bytes, bytes]:
    """Return a key, its certificate, and its digest."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    day = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(day)
        .not_valid_after(day + datetime.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    der, pkcs8 = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(der, pkcs8, serialization.NoEncryption())
    return private, made.public_bytes(der), made.fingerprint(hashes.SHA256())


OURS, THEIRS = certificate(), certificate()


class Peer:
    """OpenSSL's own DTLS, with nothing of ours around it but the cutting of datagrams."""

    def __init__(self, *, client: bool, profiles: bytes = dtls.PROFILES) -> None:
        context = SSL.Context(SSL.DTLS_METHOD)
        context.use_privatekey(dtls.load_der_private_key(THEIRS[0], None))  # type: ignore[arg-type]
        context.use_certificate(x509.load_der_x509_certificate(THEIRS[1]))
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.set_tlsext_use_srtp(profiles)
        context.set_options(SSL.OP_NO_QUERY_MTU)
        self.connection = SSL.Connection(context, None)
        self.connection.set_ciphertext_mtu(900)
        if client:
            self.connection.set_connect_state()
        else:
            self.connection.set_accept_state()
        self.done = False
        self.flight: list[bytes] = []

    def start(self) -> list[bytes]:
        return self._step()

    def receive(self, datagram: bytes) -> list[bytes]:
        self.connection.bio_write(datagram)
        return self._step()

    def _step(self) -> list[bytes]:
        try:
            if self.done:
                self.connection.recv(1)
            self.connection.do_handshake()
            self.done = True
        except SSL.WantReadError:
            pass
        said = dtls._drain(self.connection)  # noqa: SLF001
        self.flight = said or self.flight
        return said

    def keys(self, size: int) -> bytes:
        return self.connection.export_keying_material(b"EXTRACTOR-dtls_srtp", size)


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


@pytest.mark.parametrize("junk", [b"", b"\x16", b"\x16\xfe\xfd" + bytes(10), bytes(range(20, 60)), b"\x16" * 1400])
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
