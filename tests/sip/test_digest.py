from __future__ import annotations

import itertools

import pytest
from hypothesis import given

import sip.digest
from sip.digest import (
    ALGORITHMS,
    Challenge,
    DigestClient,
    DigestServer,
    Granted,
    Refused,
    ha1,
    parse_auth,
)
from sip.errors import LocalError, RemoteError
from sip.message import Request, Response
from tests.sip import strategies

REALM = "box.example"
USERS = {"101": "correct horse", "102": "battery staple"}
KEY = bytes(range(32))

_numbers = itertools.count()


def random(count: int) -> bytes:
    return next(_numbers).to_bytes(count, "big")


def known(user: str, algorithm: str) -> str | None:
    return ha1(user, REALM, USERS[user], algorithm) if user in USERS else None


def server(*algorithms: str, qop: tuple[str, ...] = ("auth",), max_replay: int = 100) -> DigestServer:
    return DigestServer(REALM, KEY, algorithms or ("SHA-256", "MD5"), known, qop=qop, max_replay=max_replay)


def request(method: str = "REGISTER", body: bytes = b"") -> Request:
    headers = [
        ("Via", "SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKa"),
        ("From", "<sip:101@box.example>;tag=1"),
        ("To", "<sip:101@box.example>"),
        ("Call-ID", "x"),
        ("CSeq", f"1 {method}"),
    ]
    return Request.new(method, "sip:box.example", headers, body)


def challenge(digest: DigestServer, now: float = 1000.0) -> Response:
    asked = digest.check(request(), now)
    assert isinstance(asked, Challenge)
    assert not asked.stale
    return request().respond(401, headers=asked.headers)


def answered(
    client: DigestClient, asked: Response, *, method: str = "REGISTER", body: bytes = b""
) -> Request:
    message = request(method, body)
    message.add(*client.answer(asked, message))
    return message


def with_credentials(value: str) -> Request:
    message = request()
    message.add("Authorization", value)
    return message


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
def test_right_and_wrong(algorithm: str, qop: str) -> None:
    digest = server(algorithm, qop=(qop,))
    asked = challenge(digest)
    right = answered(DigestClient("101", USERS["101"], random), asked, body=b"body")
    wrong = answered(DigestClient("101", "guess", random), asked, body=b"body")
    assert digest.check(right, 1001.0) == Granted("101", algorithm)
    refused = digest.check(wrong, 1001.0)
    assert isinstance(refused, Refused)
    assert refused.user == "101"
    assert (digest.granted, digest.challenged, digest.refused) == (1, 1, 1)


def test_known_answers() -> None:
    # RFC 7616 3.9.1 and RFC 2617 3.5, with their HTTP method and URI.
    secret = "Circle of Life"
    asked = Response(401, "Unauthorized", [])
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    for algorithm, expected in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        asked = Response(401, "", [])
        asked.add(
            "WWW-Authenticate",
            f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
            f'nonce="{nonce}"',
        )
        # The example's cnonce is no hex text, so the client is given one that prints as the bytes behind it.
        client = DigestClient("Mufasa", secret, _ExampleNonce)
        _, value = client.answer(asked, Request.new("GET", "/dir/index.html", []))
        params = parse_auth(value)
        assert params is not None
        assert params["cnonce"] == "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
        assert params["response"] == expected


class _ExampleNonce(bytes):
    """Random octets whose hex() is the cnonce of RFC 7616's example."""

    def __new__(cls, _count: int) -> _ExampleNonce:
        return super().__new__(cls)

    def hex(self, *_: object) -> str:
        return "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def test_nobody_learns_who_exists() -> None:
    digest = server()
    asked = challenge(digest)
    wrong = digest.check(answered(DigestClient("101", "guess", random), asked), 1001.0)
    unknown = digest.check(answered(DigestClient("999", "guess", random), asked), 1001.0)
    assert isinstance(wrong, Refused)
    assert isinstance(unknown, Refused)
    assert wrong.headers == unknown.headers


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_unknown_user_costs_the_same_work(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = known("101", algorithm)
    digest = DigestServer(REALM, KEY, (algorithm,), lambda user, _: stored if user == "101" else None)
    asked = challenge(digest)
    attempts = [answered(DigestClient(user, "guess", random), asked) for user in ("101", "999")]
    hashed: list[tuple[str, int]] = []
    original = sip.digest._hash

    def counting(name: str, data: bytes) -> str:
        hashed.append((name, len(data)))
        return original(name, data)

    monkeypatch.setattr(sip.digest, "_hash", counting)
    for attempt in attempts:
        assert isinstance(digest.check(attempt, 1001.0), Refused)
    assert len(hashed) == 4
    assert hashed[:2] == hashed[2:]


def test_counts_grow() -> None:
    digest = server()
    asked = challenge(digest)
    client = DigestClient("101", USERS["101"], bytes)
    first, second = answered(client, asked), answered(client, asked)
    assert "nc=00000002" in (second.get("Authorization") or "")
    assert isinstance(digest.check(second, 1001.0), Granted)
    for again in (first, second):
        replayed = digest.check(again, 1002.0)
        assert isinstance(replayed, Challenge)
        assert replayed.stale
        assert all("stale=true" in value for _, value in replayed.headers)
    assert digest.replayed == 2
    assert isinstance(digest.check(answered(client, asked), 1002.0), Granted)


def test_one_nonce_serves_many_clients() -> None:
    digest = server()
    assert challenge(digest, 1000.1).headers == challenge(digest, 1000.9).headers
    asked = challenge(digest, 1000.5)
    for user in ("101", "102", "101"):
        assert isinstance(
            digest.check(answered(DigestClient(user, USERS[user], random), asked), 1001.0), Granted
        )
    assert challenge(digest, 1001.0).get("WWW-Authenticate") != asked.get("WWW-Authenticate")


def test_two_users_may_say_the_same_cnonce() -> None:
    digest = server()
    asked = challenge(digest)
    for user in ("101", "102"):
        client = DigestClient(user, USERS[user], bytes)
        assert isinstance(digest.check(answered(client, asked), 1001.0), Granted)


@pytest.mark.parametrize("now", [1300.0, 5000.0, 999.0])
def test_stale_only_if_the_answer_was_right(now: float) -> None:
    digest = server()
    asked = challenge(digest)
    stale = digest.check(answered(DigestClient("101", USERS["101"], random), asked), now)
    assert isinstance(stale, Challenge)
    assert stale.stale
    assert isinstance(digest.check(answered(DigestClient("101", "guess", random), asked), now), Refused)


def test_nonces_of_others_are_stale() -> None:
    asked = challenge(DigestServer(REALM, bytes(32), ("SHA-256",), known))
    verdict = server().check(answered(DigestClient("101", USERS["101"], random), asked), 1001.0)
    assert isinstance(verdict, Challenge)
    assert verdict.stale
    for nonce in ("", "x", "0" * 48, "é"):
        value = asked.get("WWW-Authenticate") or ""
        params = parse_auth(value)
        assert params is not None
        own = request().respond(401, headers=[("WWW-Authenticate", value.replace(params["nonce"], nonce))])
        if nonce:
            assert isinstance(
                server().check(answered(DigestClient("101", USERS["101"], random), own), 1001.0), Challenge
            )


def test_a_forgotten_nonce_is_known_by_its_mac() -> None:
    digest = server()
    asked = challenge(digest)
    digest._known.clear()
    assert isinstance(
        digest.check(answered(DigestClient("101", USERS["101"], random), asked), 1001.0), Granted
    )


def test_the_replay_table_is_bounded() -> None:
    digest = server(max_replay=10)
    asked = challenge(digest)
    messages = [answered(DigestClient("101", USERS["101"], random), asked) for _ in range(30)]
    granted = [message for message in messages if isinstance(digest.check(message, 1001.0), Granted)]
    assert len(granted) == 11
    assert len(digest._seen) + len(digest._seen_before) <= 10
    # What was granted before the table was emptied is not granted again.
    for message in granted:
        assert isinstance(digest.check(message, 1001.0), Challenge)
    again = challenge(digest, 1001.0)
    assert isinstance(
        digest.check(answered(DigestClient("101", USERS["101"], random), again), 1001.0), Granted
    )


def test_replays_are_seen_as_long_as_the_nonce_lives() -> None:
    digest = server()
    asked = challenge(digest, 1000.0)
    message = answered(DigestClient("101", USERS["101"], random), asked)
    assert isinstance(digest.check(message, 1000.0), Granted)
    for now in range(1001, 1700, 7):
        fresh = challenge(digest, float(now))
        assert isinstance(
            digest.check(answered(DigestClient("102", USERS["102"], random), fresh), now), Granted
        )
        assert isinstance(digest.check(message, float(now)), Challenge)
    assert len(digest._seen) + len(digest._seen_before) < 100


def test_strongest_first() -> None:
    values = challenge(server("MD5", "SHA-512-256", "SHA-256")).all("WWW-Authenticate")
    algorithms = [(parse_auth(value) or {})["algorithm"] for value in values]
    assert algorithms == ["SHA-512-256", "SHA-256", "MD5"]
    assert "algorithm=SHA-512-256" in values[0]
    assert 'qop="auth"' in values[0]


def test_the_client_takes_the_topmost_it_can() -> None:
    asked = Response(407, "", [])
    for value in (
        'Basic realm="x"',
        'Digest realm="x", nonce="n", algorithm=SHA3',
        'Digest realm="x", nonce="n", algorithm=SHA-256, qop="auth-int,auth", opaque="o"',
    ):
        asked.add("Proxy-Authenticate", value)
    name, value = DigestClient('1"01', "s", random).answer(asked, request())
    assert name == "Proxy-Authorization"
    for part in ("algorithm=SHA-256", "qop=auth,", "nc=00000001", 'opaque="o"', 'username="1\\"01"'):
        assert part in value
    with pytest.raises(RemoteError):
        DigestClient("101", "s", random).answer(Response(401, "", []), request())


def test_rfc_2069_answers_count_once() -> None:
    digest = server("MD5")
    asked = challenge(digest)
    value = (asked.get("WWW-Authenticate") or "").replace('qop="auth", ', "")
    asked.set("WWW-Authenticate", value)
    message = answered(DigestClient("101", USERS["101"], random), asked)
    assert "qop" not in (message.get("Authorization") or "")
    assert isinstance(digest.check(message, 1001.0), Granted)
    assert isinstance(digest.check(message, 1001.0), Challenge)


def test_session_algorithms_of_the_client() -> None:
    asked = Response(401, "", [])
    asked.add("WWW-Authenticate", 'Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth"')
    _, value = DigestClient("u", "p", bytes).answer(asked, Request.new("INVITE", "sip:a", []))
    # Computed with md5sum by RFC 7616 3.4.2.
    assert 'response="39b43cb6ccfc71b15abc59e16fee0006"' in value


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Digest ", "digest "),
        ("qop=auth", "qop=auth-int"),
        ("qop=auth, nc=00000001", "qop=auth, nc=1"),
        ("nc=00000001", "nc=0000000g"),
        ('realm="box.example"', 'realm="elsewhere"'),
        ("algorithm=SHA-256", "algorithm=SHA-512"),
        ("algorithm=SHA-256", "algorithm=SHA-256, algorithm=SHA-256"),
        ("Digest ", "Digest ,,;"),
    ],
)
def test_mangled_credentials(old: str, new: str) -> None:
    digest = server()
    message = answered(DigestClient("101", USERS["101"], random), challenge(digest))
    value = message.get("Authorization") or ""
    assert old in value
    message.set("Authorization", value.replace(old, new))
    verdict = digest.check(message, 1001.0)
    assert isinstance(verdict, Granted if new == "digest " else Challenge)


def test_credentials_for_something_else() -> None:
    digest = server()
    asked = challenge(digest)
    message = answered(DigestClient("101", USERS["101"], random), asked)
    message.uri = "sip:premium@box.example"
    assert isinstance(digest.check(message, 1001.0), Refused)
    message = answered(DigestClient("101", USERS["101"], random), asked)
    message.uri = "sip:BOX.example;transport=tcp"
    assert isinstance(digest.check(message, 1001.0), Granted)
    message = answered(DigestClient("101", USERS["101"], random), asked)
    message.method = "INVITE"
    assert isinstance(digest.check(message, 1001.0), Refused)
    message = answered(DigestClient("101", USERS["101"], random), asked)
    message.uri = "sip:%zz"
    assert isinstance(digest.check(message, 1001.0), Refused)


def test_credentials_for_several_realms() -> None:
    digest = server()
    message = answered(DigestClient("101", USERS["101"], random), challenge(digest))
    message.prepend("Authorization", 'Digest username="x", realm="y", nonce="z", uri="sip:a", response="b"')
    assert isinstance(digest.check(message, 1001.0), Granted)


def test_as_a_proxy() -> None:
    digest = DigestServer(REALM, KEY, ("SHA-256",), known, proxy=True)
    asked = digest.check(request(), 1000.0)
    assert isinstance(asked, Challenge)
    message = request()
    message.add(
        *DigestClient("101", USERS["101"], random).answer(
            request().respond(407, headers=asked.headers), message
        )
    )
    assert isinstance(digest.check(message, 1000.0), Granted)


@pytest.mark.parametrize(
    ("algorithms", "qop", "key"),
    [
        (("SHA3",), ("auth",), KEY),
        ((), ("auth",), KEY),
        (("MD5",), (), KEY),
        (("MD5",), ("x",), KEY),
        (("MD5",), ("auth",), b"short"),
    ],
)
def test_wrong_set_up(algorithms: tuple[str, ...], qop: tuple[str, ...], key: bytes) -> None:
    with pytest.raises(LocalError):
        DigestServer(REALM, key, algorithms, known, qop=qop)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Digest a="b, c", d=e', {"a": "b, c", "d": "e"}),
        ('DIGEST  A = "b\\"c" ,, d=e,', {"a": 'b"c', "d": "e"}),
        ('Digest a=""', {"a": ""}),
        ("Digest a=b=c", {"a": "b=c"}),
        ("Basic a=b", None),
        ("Digest", None),
        ("Digest a", None),
        ("Digest a=", None),
        ('Digest a="b', None),
        ("Digest a=b c=d", None),
        ("Digest a=b, A=c", None),
        ('Digest a="\\"", A=c', None),
        ("", None),
    ],
)
def test_parse_auth(text: str, expected: dict[str, str] | None) -> None:
    assert parse_auth(text) == expected


@given(strategies.texts, strategies.texts)
def test_hostile_credentials(first: str, second: str) -> None:
    assert isinstance(
        server().check(with_credentials(f"Digest {first}"), 0.0),
        Challenge,
    )
    value = f'Digest username={second}, realm="{REALM}", nonce="{first}", uri="sip:a", response="{first}"'
    verdict = server().check(with_credentials(value), 0.0)
    assert not isinstance(verdict, Granted)


@given(strategies.texts, strategies.texts.filter(bool))
def test_any_name_and_secret(user: str, secret: str) -> None:
    digest = DigestServer(
        REALM, KEY, ("SHA-256",), lambda name, algorithm: ha1(name, REALM, secret, algorithm).encode()
    )
    message = answered(DigestClient(user or "u", secret, random), challenge(digest))
    assert digest.check(message, 1000.0) == Granted(user or "u", "SHA-256")
