"""The lite agent of ICE (RFC 8445 2.5): it makes no checks, answers those of the far end, and follows them.

One component on one address of ours. The far end is a full agent and controls: the address from which an
authenticated check with USE-CANDIDATE came is where media goes (8.2), and no other moves it. A check that is
not authentic is not answered, not even with an error: who does not know the password gets no octet.
"""

from __future__ import annotations

from rtp import stun
from rtp.stun import Message, StunError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rtp.link import Link

    Place = tuple[str, int]

CONSENT = 30.0  # seconds a far end stays heard without a word that proves it (RFC 7675 5.1)
RATE, BURST = 50.0, 100.0  # checks a second that are looked at, and as many at once
PLACES = 16  # addresses of one far end that are remembered as proven
_KNOWN = frozenset({stun.USERNAME, stun.INTEGRITY, stun.PRIORITY, stun.USE_CANDIDATE})


class Agent:
    """One far end's checks, by what the descriptions said; `now` is monotonic seconds.

    `selected` is where media goes, None until a check nominated one. `proven` are the addresses authentic
    checks came from. `refused` counts what was no authentic check, or too many.
    """

    __slots__ = ("_budget", "_link", "_since", "alive", "proven", "refused", "selected")

    def __init__(self, link: Link, now: float, selected: Place | None = None) -> None:
        self._link = link
        self._budget = BURST
        self._since = self.alive = now
        self.selected = selected
        self.proven: dict[Place, None] = {} if selected is None else {selected: None}
        self.refused = 0

    def follow(self, link: Link) -> None:
        """Go on with other credentials (RFC 8445 9): media goes where it went until a new check says else."""
        self._link = link

    def receive(self, datagram: bytes, source: Place, packed: bytes, now: float) -> bytes:
        """Take a datagram that begins like STUN, from `source` with its packed address; return the answer.

        b"": none is due.
        """
        self._budget = min(BURST, self._budget + (now - self._since) * RATE)
        self._since = now
        if self._budget < 1:
            self.refused += 1
            return b""
        self._budget -= 1
        try:
            message = Message.parse(datagram)
        except StunError:
            self.refused += 1
            return b""
        if message.kind == stun.INDICATION:
            return b""  # keeps a NAT open, proves nothing
        if message.kind != stun.REQUEST or not self._ours(message):
            self.refused += 1
            return b""
        return self._check(message, source, packed, now)

    def proved(self, now: float) -> None:
        """Note that the far end said something else that only it can: SRTP under its key."""
        self.alive = now

    def consents(self, now: float) -> bool:
        """Tell whether the far end was heard lately; media to a place that has gone silent stops."""
        return now - self.alive < CONSENT

    def _ours(self, message: Message) -> bool:
        name = self._link.ufrag + b":" + self._link.far_ufrag
        return message.get(stun.USERNAME) == name and message.authentic(self._link.password)

    def _check(self, message: Message, source: Place, packed: bytes, now: float) -> bytes:
        self.alive = now
        unknown = [name for name, _ in message.attributes if name < 0x8000 and name not in _KNOWN]
        if unknown:
            names = b"".join(name.to_bytes(2, "big") for name in unknown)
            told = stun.failure(420, "Unknown Attribute"), (stun.UNKNOWN_ATTRIBUTES, names)
            return self._answer(stun.FAILURE, message, *told)
        if message.get(stun.CONTROLLED) is not None:  # both cannot be: we never control (7.3.1.1)
            return self._answer(stun.FAILURE, message, stun.failure(487, "Role Conflict"))
        if source not in self.proven:
            if len(self.proven) >= PLACES:
                del self.proven[next(iter(self.proven))]
            self.proven[source] = None
        if message.get(stun.USE_CANDIDATE) is not None:
            self.selected = source
        return self._answer(stun.SUCCESS, message, stun.mapped(packed, source[1], message.transaction))

    def _answer(self, kind: int, message: Message, *attributes: tuple[int, bytes]) -> bytes:
        return Message(kind, message.transaction, attributes).write(self._link.password)
