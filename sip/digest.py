"""Digest authentication (RFC 7616 as profiled by RFC 8760 and RFC 3261 section 22), both ends.

A challenge costs the server no state: its nonce is a time, an epoch and a MAC over both, made at most once
a second and shared by everybody who asks in that second. What it does keep is the greatest nonce count of
each (nonce, cnonce, user) that answered rightly, so that nothing counts twice. When that table is full a new
epoch begins and every older nonce is stale.

A user nobody knows costs the same work and gets the same answer as a wrong secret.

Where the caller names a source, nonces are bound to it: only who can receive there can answer from there.
An answer with a nonce of elsewhere is not judged at all, so guesses can be counted against a source without
anybody else being able to make it look guilty.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from sip.errors import BadMessage, LocalError, RemoteError
from sip.grammar import quote, unquote
from sip.message import Request, Response
from sip.uri import SipUri

_HASHES: dict[str, Callable[[bytes], hashlib._Hash]] = {
    "SHA-512-256": partial(hashlib.new, "sha512_256"),
    "SHA-256": hashlib.sha256,
    "MD5": partial(hashlib.md5, usedforsecurity=False),
}

ALGORITHMS = ("SHA-512-256", "SHA-256", "MD5")
"""Algorithms we know, strongest first."""

LIFETIME = 300.0
"""Seconds a nonce is good for."""
MAX_REPLAY = 65536
"""Entries of the replay table; each is made by a right answer only."""
_MAX_CREDENTIALS = 8
_MAX_KNOWN_NONCES = 1024

_PARAM = r'([A-Za-z0-9*_\-]++)[ \t]*+=[ \t]*+(?:"((?:[^"\\]++|\\.)*)"|([^ \t,"]++))'
_all_params = re.compile(_PARAM, re.DOTALL).findall
_is_digest = re.compile(rf"{_PARAM}(?:[ \t]*+,[ \t]*+(?:{_PARAM})?)*", re.DOTALL).fullmatch
_is_plain = re.compile(r'[^ \t"]++').fullmatch
_is_count = re.compile(r"[0-9A-Fa-f]{8}").fullmatch
_USUAL = frozenset(
    ("username", "realm", "nonce", "uri", "response", "algorithm", "qop", "nc", "cnonce", "opaque", "stale")
)
_NONCE_LENGTH = 48
_MAX_BINDINGS = 4096
_NONCE = re.compile(r"([0-9a-f]{8})([0-9a-f]{8})[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Granted:
    """The request is from `user`."""

    user: str
    algorithm: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """No credentials, or old ones (`stale`: the answer was right): ask with these headers."""

    headers: list[tuple[str, str]]
    stale: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Wrong credentials. `headers` is a challenge, should the box want to ask again; `user` is a claim."""

    headers: list[tuple[str, str]]
    user: str


class DigestServer:
    """Checks credentials and makes challenges for one realm.

    `key` must be fresh random bytes at every start of the process: `now` is a monotonic clock, and the
    replay table does not survive either. `ha1` gives the stored hash (hex) of a user for an algorithm, or
    None. Counters: `granted`, `challenged`, `refused`, `stale`, `replayed`.
    """

    __slots__ = (
        *(
            "_algorithms",
            "_answer_header",
            "_bindings",
            "_ask_header",
            "_challenges",
            "_decoys",
            "_epoch",
            "_ha1",
            "_key",
            "_known",
        ),
        *("_max_replay", "_nonce", "_nonce_second", "_qop", "_realm", "_seen", "_seen_before", "_seen_since"),
        *("challenged", "granted", "lifetime", "refused", "replayed", "stale"),
    )

    def __init__(
        self,
        realm: str,
        key: bytes,
        algorithms: tuple[str, ...] = ("SHA-256", "MD5"),
        ha1: Callable[[str, str], bytes | str | None] = lambda _user, _algorithm: None,
        *,
        qop: tuple[str, ...] = ("auth",),
        proxy: bool = False,
        lifetime: float = LIFETIME,
        max_replay: int = MAX_REPLAY,
    ) -> None:
        unknown = set(algorithms) - set(ALGORITHMS)
        if unknown or not algorithms or not set(qop) <= {"auth", "auth-int"} or not qop or len(key) < 16:
            raise LocalError("unknown algorithm or qop, or a key under 16 octets")
        self._realm = realm
        self._key = key
        self._algorithms = tuple(name for name in ALGORITHMS if name in algorithms)
        self._ha1 = ha1
        self._qop = qop
        self._challenges = tuple(
            f'Digest realm={quote(realm)}, qop="{",".join(qop)}", algorithm={name}, '
            for name in self._algorithms
        )
        self._ask_header = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
        self._answer_header = "Proxy-Authorization" if proxy else "Authorization"
        self._decoys = {name: _hash(name, key) for name in self._algorithms}
        self._epoch = 0
        self._nonce, self._nonce_second = "", -1
        self._known: dict[str, int] = {}
        self._bindings: dict[str, str] = {}
        self._seen: dict[tuple[str, str, str], int] = {}
        self._seen_before: dict[tuple[str, str, str], int] = {}
        self._seen_since = 0.0
        self._max_replay = max_replay
        self.lifetime = lifetime
        self.granted = self.challenged = self.refused = self.stale = self.replayed = 0

    def check(self, request: Request, now: float, source: str = "") -> Granted | Challenge | Refused:
        """Judge the credentials of a request that came from `source` ("" binds to none)."""
        if request.get(self._answer_header) is not None:
            for params in self._credentials(request):
                return self._judge(request, params, now, source)
        self.challenged += 1
        return Challenge(self.challenge(now, source), stale=False)

    def claimed(self, request: Request) -> str:
        """Give the user whose credentials a request brings, "" when it brings none that could be judged."""
        return next((params["username"] for params in self._credentials(request)), "")

    def challenge(self, now: float, source: str = "", *, stale: bool = False) -> list[tuple[str, str]]:
        """Give the challenge headers, strongest algorithm first (RFC 8760 section 2.4)."""
        nonce = self._current_nonce(now) + self._binding(source)
        end = f'nonce="{nonce}", stale=true' if stale else f'nonce="{nonce}"'
        return [(self._ask_header, start + end) for start in self._challenges]

    def _credentials(self, request: Request) -> Iterator[dict[str, str]]:
        """Give each set of credentials meant for us that can be checked at all."""
        for value in request.all(self._answer_header)[:_MAX_CREDENTIALS]:
            params = parse_auth(value)
            if params is None or params.get("realm") != self._realm:
                continue
            algorithm = params.setdefault("algorithm", "MD5").upper()
            params["algorithm"] = algorithm
            get = params.get
            complete = get("username") and get("nonce") and get("uri") and get("response")
            if complete and algorithm in self._algorithms and self._has_count(params):
                yield params

    def _has_count(self, params: dict[str, str]) -> bool:
        """Whether qop, nc and cnonce go together: all of them (RFC 7616) or none (RFC 2069)."""
        qop = params.get("qop")
        if qop is None:
            return "nc" not in params and "cnonce" not in params
        return qop in self._qop and bool(params.get("cnonce")) and bool(_is_count(params.get("nc", "")))

    def _judge(
        self, request: Request, params: dict[str, str], now: float, source: str
    ) -> Granted | Challenge | Refused:
        user, algorithm, nonce = params["username"], params["algorithm"], params["nonce"]
        binding = self._binding(source)
        if not hmac.compare_digest(
            nonce[_NONCE_LENGTH:].encode("utf-8", "surrogateescape"), binding.encode()
        ):
            # Stale whatever the answer: to tell right from wrong here would be a free guess.
            self.stale += 1
            return Challenge(self.challenge(now, source, stale=True), stale=True)
        ha1_known = self._ha1(user, algorithm)
        secret = self._decoys[algorithm] if ha1_known is None else ha1_known
        ha1_text = secret.decode("ascii") if isinstance(secret, bytes) else secret
        expected = _response(algorithm, ha1_text, params, request.method, request.body)
        given = params["response"].lower().encode("utf-8", "surrogateescape")
        right = hmac.compare_digest(expected.encode("ascii"), given)
        right = _same_target(params["uri"], request) and right and ha1_known is not None
        if not right:
            self.refused += 1
            return Refused(self.challenge(now, source), user)
        fresh = self._is_fresh(nonce[:_NONCE_LENGTH], now)
        if not fresh or not self._count(nonce, params, now):
            if fresh:
                self.replayed += 1
            self.stale += 1
            return Challenge(self.challenge(now, source, stale=True), stale=True)
        self.granted += 1
        return Granted(user, algorithm)

    # -- nonces ----------------------------------------------------------------------------------------

    def _current_nonce(self, now: float) -> str:
        second = int(now)
        if second != self._nonce_second:
            self._nonce_second = second
            self._nonce = self._make_nonce(second, self._epoch)
            if len(self._known) >= _MAX_KNOWN_NONCES:
                self._known.clear()
            self._known[self._nonce] = second
        return self._nonce

    def _binding(self, source: str) -> str:
        """Give what nonces for a source end in."""
        if not source:
            return ""
        binding = self._bindings.get(source)
        if binding is None:
            if len(self._bindings) >= _MAX_BINDINGS:
                self._bindings.clear()
            binding = hmac.digest(self._key, b"source " + source.encode(), "sha256")[:8].hex()
            self._bindings[source] = binding
        return binding

    def _make_nonce(self, second: int, epoch: int) -> str:
        stamp = f"{second & 0xFFFFFFFF:08x}{epoch & 0xFFFFFFFF:08x}"
        return stamp + hmac.digest(self._key, stamp.encode("ascii"), "sha256")[:16].hex()

    def _is_fresh(self, nonce: str, now: float) -> bool:
        second = self._known.get(nonce)
        if second is None:
            match = _NONCE.fullmatch(nonce)
            if match is None or int(match[2], 16) != self._epoch:
                return False
            second = int(match[1], 16)
            if not hmac.compare_digest(self._make_nonce(second, self._epoch), nonce):
                return False
        return second <= now < second + self.lifetime

    def _count(self, nonce: str, params: dict[str, str], now: float) -> bool:
        """Note one use of a nonce; False when it was used so far before."""
        # Without a count an answer is good once.
        cnonce, count = (
            params.get("cnonce") or f'"{params["response"].lower()}',
            int(params.get("nc", "1"), 16),
        )
        if now >= self._seen_since + self.lifetime:
            # Whatever is in the older half belongs to nonces that are stale by now.
            stale_too = now >= self._seen_since + 2 * self.lifetime
            self._seen_before = {} if stale_too else self._seen
            self._seen, self._seen_since = {}, now
        # Two users behind one address share a nonce, and a poor client says the same cnonce in every run.
        key = (nonce, cnonce, params["username"])
        if count <= max(self._seen.get(key, 0), self._seen_before.get(key, 0)):
            return False
        self._seen[key] = count
        if len(self._seen) + len(self._seen_before) > self._max_replay:
            self._epoch += 1
            self._nonce_second = -1
            for table in (self._seen, self._seen_before):
                table.clear()
            self._known.clear()
        return True


class DigestClient:
    """Answers challenges for one account; `random` gives that many random octets."""

    __slots__ = ("_counts", "_random", "_secret", "_user")

    def __init__(self, user: str, secret: str, random: Callable[[int], bytes]) -> None:
        self._user = user
        self._secret = secret
        self._random = random
        self._counts: dict[str, int] = {}

    def answer(self, response: Response, request: Request) -> tuple[str, str]:
        """Give the header (name, value) that answers a 401 or 407, to stand in `request` sent again.

        The topmost challenge we can compute counts (RFC 8760 section 2.4). Raise RemoteError without one.
        """
        ask, give = ("Proxy-Authenticate", "Proxy-Authorization")
        if response.status == 401:
            ask, give = ("WWW-Authenticate", "Authorization")
        for value in response.all(ask)[:_MAX_CREDENTIALS]:
            asked = parse_auth(value)
            if asked is None or not asked.get("nonce") or "realm" not in asked:
                continue
            algorithm = asked.get("algorithm", "MD5").upper()
            offered = [
                word.strip(" \t").lower() for word in asked.get("qop", "").split(",") if word.strip(" \t")
            ]
            qop = next((word for word in ("auth", "auth-int") if word in offered), "")
            if algorithm.removesuffix("-SESS") in ALGORITHMS and (qop or not offered):
                return give, self._credentials(asked, algorithm, qop, request)
        raise RemoteError(response.status, "No challenge we can answer")

    def _credentials(self, asked: dict[str, str], algorithm: str, qop: str, request: Request) -> str:
        nonce, realm = asked["nonce"], asked["realm"]
        if nonce not in self._counts:
            # A new nonce ends the old one; a peer that changes it all the time costs no memory.
            self._counts.clear()
        count = self._counts[nonce] = self._counts.get(nonce, 0) + 1
        params = {"nonce": nonce, "uri": request.uri, "cnonce": self._random(8).hex(), "nc": f"{count:08x}"}
        if qop:
            params["qop"] = qop
        secret = ha1(self._user, realm, self._secret, algorithm.removesuffix("-SESS"))
        answer = _response(algorithm, secret, params, request.method, request.body)
        parts = [
            f"username={quote(self._user)}",
            f"realm={quote(realm)}",
            f"nonce={quote(nonce)}",
            f"uri={quote(request.uri)}",
            f'response="{answer}"',
        ]
        if "algorithm" in asked:
            parts.append(f"algorithm={asked['algorithm']}")
        if qop:
            parts.append(f"qop={qop}, nc={params['nc']}")
        if qop or algorithm.endswith("-SESS"):
            parts.append(f'cnonce="{params["cnonce"]}"')
        if "opaque" in asked:
            parts.append(f"opaque={quote(asked['opaque'])}")
        return "Digest " + ", ".join(parts)


def ha1(user: str, realm: str, secret: str, algorithm: str) -> str:
    """Give H(user:realm:secret) in hex: all that need be stored to check a user (RFC 7616 3.4.2)."""
    return _hash(algorithm, f"{user}:{realm}:{secret}".encode("utf-8", "surrogateescape"))


def parse_auth(value: str) -> dict[str, str] | None:
    """Read a challenge or credentials: parameters by lower-case name, unquoted.

    None for another scheme or malformed text; both count as none at all (RFC 4475 3.3.7).
    """
    scheme, _, rest = value.partition(" ")
    if scheme != "Digest" and scheme.lower() != "digest":
        return None
    params: dict[str, str] = {}
    count = 0
    for part in rest.split(", "):
        name, _, text = part.partition("=")
        if text[:1] == '"':
            # Twice only where it both begins and ends the text, or there is one too many; told below.
            text = text[1:-1] if text[-1] == '"' else '"'
        params[name] = text
        count += 1
    # What nearly everybody writes needs no grammar.
    if _USUAL.issuperset(params) and len(params) == count and "\\" not in rest:
        said = "".join(params.values())
        if (
            '"' not in said
            and "," not in said
            and " " not in said
            and "\t" not in said
            and all(params.values())
        ):
            return params
    return _parse_auth_slowly(rest.strip(" \t"))


def _parse_auth_slowly(text: str) -> dict[str, str] | None:
    """Read parameters with commas or backslashes in their quotes, or with empty elements between them."""
    if not _is_digest(text):
        return None
    params: dict[str, str] = {}
    for name, quoted, plain in _all_params(text):
        key = name.lower()
        if key in params:
            return None
        params[key] = plain or unquote(f'"{quoted}"')
    return params


def _hash(algorithm: str, data: bytes) -> str:
    return _HASHES[algorithm](data).hexdigest()


def _response(algorithm: str, secret: str, params: dict[str, str], method: str, body: bytes) -> str:
    """Compute the response (RFC 7616 section 3.4.1), or the one of RFC 2069 without qop."""
    name = algorithm.removesuffix("-SESS")
    nonce, qop = params["nonce"], params.get("qop")
    if name != algorithm:
        secret = _hash(name, _octets(f"{secret}:{nonce}:{params['cnonce']}"))
    a2 = f"{method}:{params['uri']}"
    if qop == "auth-int":
        a2 += f":{_hash(name, body)}"
    middle = f"{nonce}:{params['nc']}:{params['cnonce']}:{qop}" if qop else nonce
    return _hash(name, _octets(f"{secret}:{middle}:{_hash(name, _octets(a2))}"))


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _same_target(uri: str, request: Request) -> bool:
    """Whether credentials were made for this Request-URI; parameters and port may differ on the way."""
    if uri == request.uri:
        return True
    try:
        meant, asked = SipUri.parse(uri), request.request_uri
    except BadMessage:
        return False
    return (meant.user, meant.host.lower(), meant.opaque) == (asked.user, asked.host.lower(), asked.opaque)
