"""Sides of a bridge that prove who they are: DTLS-SRTP, with ICE where the far end has it (RFC 5763, 8839).

A line of the profile UDP/TLS/RTP/SAVP or SAVPF is turned into a plain one before anybody else here sees it,
and ours into such a one for who speaks it: keys never cross from side to side. We are the lite agent of ICE,
at one place.
"""

from __future__ import annotations

import os
from binascii import b2a_base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from firmware.media.errors import NotAcceptable
from firmware.media.place import Inside
from firmware.media.side import Side
from rtp.link import ACTIVE, PASSIVE, Link
from rtp.plan import Row
from sip.candidate import Candidate, check_credential
from sip.errors import BadMessage
from sip.fingerprint import digest, fingerprint, reply
from sip.offer import succeed
from sip.sdp import Attribute, Connection, Media, SessionDescription

PROFILES = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP")
_PLAIN = "RTP/AVP"
T = TypeVar("T")
_OFFERED = "actpass"
_NAMES = frozenset({"fingerprint", "setup", "tls-id", "ice-ufrag", "ice-pwd", "candidate", "rtcp-mux", "mid"})
_GONE = _NAMES | {"crypto", "rtcp-fb", "rtcp-rsize", "rtcp", "ice-options", "end-of-candidates", "ice-lite"}
MOST = 64  # candidates that are looked at


@dataclass(frozen=True, slots=True)
class _Ours:
    """What we tell a side: our half of ICE, and the name of the association."""

    ufrag: str = field(repr=False)
    password: str = field(repr=False)
    tls_id: str

    @classmethod
    def make(cls) -> _Ours:
        return cls(_random(6), _random(18), _random(18))


@dataclass(frozen=True, slots=True)
class _Far:
    """What a side told us."""

    profile: str
    setup: str
    digest: bytes
    tls_id: str
    ufrag: str = field(repr=False)
    password: str = field(repr=False)
    mux: bool
    mid: str
    bundle: bool

    @property
    def ice(self) -> bool:
        """Whether it makes checks."""
        return bool(self.password)

    def same(self, other: _Far) -> bool:
        """Whether it goes on with the same association (RFC 8842 3.1)."""
        return (self.digest, self.tls_id) == (other.digest, other.tls_id)


@dataclass(frozen=True, slots=True)
class _Agreement:
    """One side as it is, or will be once an offer is answered."""

    far: _Far
    ours: _Ours
    role: int
    association: int


class Links:
    """The links of one bridge; `numbers` gives a number that no association had."""

    __slots__ = ("_addresses", "_agreed", "_asked", "_digest", "_numbers", "_only", "_ours", "_told")

    def __init__(self, made: bytes, numbers: Callable[[], int], addresses: frozenset[int]) -> None:
        self._digest = made
        self._numbers = numbers
        self._addresses = addresses
        self._agreed: dict[Side, _Agreement] = {}
        self._asked: dict[
            Side, _Agreement | None
        ] = {}  # by a side's newest offer or answer; None: it is plain
        self._ours: dict[Side, _Ours] = {}  # what we offer a side
        self._told: dict[Side, SessionDescription] = {}
        self._only: set[Side] = set()  # who was offered nothing but this

    # -- what sides say

    def offered(self, side: Side, description: SessionDescription) -> SessionDescription:
        """Take a side's offer; return it with a plain line in place of one of ours. Raises NotAcceptable."""
        index, far = self._read(description)
        if far is None:
            self._asked[side] = None
            return _unnamed(description)
        now = self._agreed.get(side)
        if now is not None and now.far.same(far) and far.setup in {_OFFERED, _setup_of(now.role)}:
            role, association = now.role, now.association
        else:
            role = PASSIVE if _try(lambda: reply(far.setup)) == "passive" else ACTIVE
            association = self._numbers()
        restart = now is None or (now.far.ufrag, now.far.password) != (far.ufrag, far.password)
        ours = _Ours.make() if restart or now is None else now.ours
        self._asked[side] = _Agreement(far, ours, role, association)
        return self._plain(description, index, far)

    def answered(self, side: Side, description: SessionDescription) -> SessionDescription:
        """Take a side's answer, as `offered` does."""
        if isinstance(description, Inside):
            return self._box(side, description)
        index, far = self._read(description)
        ours = self._ours.get(side)
        now = self._agreed.get(side)
        if far is None:
            mute = _mute(description)
            if side in self._only and not mute:
                raise NotAcceptable("an answer without a fingerprint")
            self._asked[side] = now if mute else None
            return _unnamed(description)
        if ours is None:
            raise NotAcceptable("an answer of a profile that was not offered")
        role = ACTIVE if far.setup == "passive" else PASSIVE
        if far.setup not in {"active", "passive"}:
            raise NotAcceptable("an answer that leaves open who shakes hands")
        before = self._asked.get(side) or now  # early media, then the final answer: the same far end
        known = before is not None and before.far.same(far) and before.role == role and before.ours == ours
        association = before.association if known and before is not None else self._numbers()
        self._asked[side] = _Agreement(far, ours, role, association)
        return self._plain(description, index, far)

    def _box(self, side: Side, description: Inside) -> Inside:
        """Take what the box itself says on a side: it has nobody to prove anything to."""
        self._asked[side] = None
        media = [
            replace(line, proto=_PLAIN).without_attributes(*_GONE) if line.proto.upper() in PROFILES else line
            for line in description.media
        ]
        return replace(description, media=tuple(media))

    def left(self, side: Side) -> None:
        """Note that no far end is on a side."""
        self._asked[side] = None
        self._agreed.pop(side, None)

    def asks(self, side: Side) -> bool:
        """Whether a side's newest offer or answer was of this profile."""
        return self._asked.get(side) is not None

    def has(self, side: Side) -> bool:
        """Whether a side was agreed with in this profile."""
        return side in self._agreed

    def takes(self, side: Side) -> None:
        """Note that who made a side's newest offer is to go on there."""
        self._agree(side, self._asked.get(side))

    def _agree(self, side: Side, asked: _Agreement | None) -> None:
        if asked is None:
            self._agreed.pop(side, None)
        else:
            self._agreed[side] = asked

    def row(self, side: Side, row: Row) -> dict[str, object]:
        """Agree with a side as it asked; return what of its row that decides."""
        asked = self._asked.get(side)
        self._agree(side, asked)
        if asked is None:
            return {"link": b""}
        words = (asked.ours.ufrag, asked.ours.password, asked.far.ufrag) if asked.far.ice else ()
        link = Link(asked.association, asked.role, asked.far.digest, *[word.encode() for word in words])
        same = bool(row.link) and Link.parse(row.link).association == asked.association
        changes: dict[str, object] = {"link": bytes(link), "mux": asked.far.mux}
        changes["srtp"] = row.srtp if same else b""
        if not same:
            changes["source"] = None
        elif asked.far.ice:  # checks say where it is, not the description
            changes |= {"window": row.window, "source": row.source}
        return changes

    # -- what we say

    def answer(self, side: Side, description: SessionDescription, index: int) -> SessionDescription:
        """Return our plain answer to a side in the profile it asked for."""
        asked = self._asked.get(side)
        if asked is None:
            return description
        far = asked.far
        return self._dressed(
            side, description, index, far.profile, _setup_of(asked.role, ours=True), asked.ours, far
        )

    def offer(self, side: Side, description: SessionDescription, index: int) -> SessionDescription:
        """Return our plain offer to a side as it was agreed with."""
        if side not in self._agreed:
            self._only.discard(side)
            return description
        self._only.add(side)
        return self.propose(side, description, index)

    def begin(self, side: Side) -> None:
        """Note that several phones are to be made an offer, some of them in another profile."""
        self._only.discard(side)
        self._ours.pop(side, None)

    def propose(self, side: Side, description: SessionDescription, index: int) -> SessionDescription:
        """Return our plain offer to a side in this profile, whether it is known to speak it or not."""
        now = self._agreed.get(side)
        ours = now.ours if now is not None else self._ours.get(side) or _Ours.make()
        self._ours[side] = ours
        profile = now.far.profile if now is not None else PROFILES[0]
        return self._dressed(side, description, index, profile, _OFFERED, ours, now.far if now else None)

    # -- details

    def _dressed(
        self,
        side: Side,
        description: SessionDescription,
        index: int,
        profile: str,
        setup: str,
        ours: _Ours,
        far: _Far | None,
    ) -> SessionDescription:
        line = description.media[index]
        if line.rejected:
            line = replace(line, proto=profile)
            return self._succeed(side, description.with_media(index, line))
        asked = far if far is not None and setup != _OFFERED else None
        mid = far.mid if far is not None else "0"
        added: list[Attribute] = [("fingerprint", fingerprint(self._digest)), ("setup", setup)]
        if asked is None or asked.mux:
            added.append(("rtcp-mux", None))
        if asked is None or asked.tls_id:
            added.append(("tls-id", ours.tls_id))
        if mid:
            added.append(("mid", mid))
        shared = tuple([pair for pair in description.attributes if pair[0] != "group"])
        if mid and (far is None or far.bundle):
            shared = (*shared, ("group", f"BUNDLE {mid}"))
        if asked is None or asked.ice:
            connection = line.connection or description.connection
            address = connection.address if connection is not None else ""
            added += [("ice-ufrag", ours.ufrag), ("ice-pwd", ours.password)]
            added.append(("candidate", str(Candidate.host(address, line.port))))
            shared = (*shared, ("ice-lite", None))
        kept = tuple([pair for pair in line.attributes if pair[0] not in _GONE])
        line = replace(line, proto=profile, attributes=(*kept, *added))
        return self._succeed(side, replace(description.with_media(index, line), attributes=shared))

    def _succeed(self, side: Side, description: SessionDescription) -> SessionDescription:
        before = self._told.get(side)
        if before is not None and before.origin.session == description.origin.session:
            description = succeed(before, description)
        self._told[side] = description
        return description

    def _read(self, description: SessionDescription) -> tuple[int, _Far | None]:
        """Return what the first audio line says if it is of this profile; raises NotAcceptable."""
        for index, line in enumerate(description.media):
            if line.kind == "audio" and not line.rejected:
                if line.proto.upper() not in PROFILES or _mute(description):
                    return index, None
                if not self._digest:
                    raise NotAcceptable("DTLS-SRTP, which this site does not want")
                return index, _try(lambda line=line: _far(description, line))  # type: ignore[misc]
        return -1, None

    def _plain(self, description: SessionDescription, index: int, far: _Far) -> SessionDescription:
        line = description.media[index]
        kept = tuple([pair for pair in line.attributes if pair[0] not in _GONE])
        connection = self._place(line) if far.ice else line.connection
        return description.with_media(
            index, replace(line, proto=_PLAIN, attributes=kept, connection=connection)
        )

    def _place(self, line: Media) -> Connection | None:
        """Return where a far end with ICE is likely: only its IP version counts. None: nothing is known."""
        usual = [line.connection.address] if line.connection is not None else []
        for value in line.get_all("candidate")[:MOST]:
            try:
                usual.append(Candidate.parse(value).address)
            except BadMessage:
                continue
        for address in usual:
            size = _size(address)
            if size in self._addresses and address not in {"0.0.0.0", "::"}:  # noqa: S104 - compared
                return Connection.to(address)
        return None


def _far(description: SessionDescription, line: Media) -> _Far:
    """Read what a line says, or the whole description for it; raises BadMessage."""

    def get(name: str) -> str:
        return line.get(name) or description.get(name) or ""

    prints = line.get_all("fingerprint") or [
        value or "" for name, value in description.attributes if name == "fingerprint"
    ]
    ufrag, password = get("ice-ufrag"), get("ice-pwd")
    mux = line.get("rtcp-mux") is not None
    if description.get("ice-lite") is not None or not password or not mux:
        ufrag = password = ""  # both lite, nobody checks; without mux a second port would have to be checked
    else:
        check_credential("ice-ufrag", ufrag)
        check_credential("ice-pwd", password)
    mid = line.get("mid") or ""
    groups = [value or "" for name, value in description.attributes if name == "group"]
    bundle = any(value.startswith("BUNDLE ") and mid in value.split()[1:] for value in groups)
    setup = (get("setup") or "active").lower()
    return _Far(line.proto, setup, digest(prints), get("tls-id"), ufrag, password, mux, mid, bundle)


def _try(read: Callable[[], T]) -> T:
    try:
        return read()
    except BadMessage as error:
        raise NotAcceptable(error.why) from error


def _mute(description: SessionDescription) -> bool:
    """Whether it is somebody's who neither sends nor hears, at no place: nobody to shake hands with."""
    live = [line for line in description.media if not line.rejected]
    return all(
        line.direction == "inactive" and (line.connection is None or line.connection.unspecified)
        for line in live
    ) and all(line.get("fingerprint") is None for line in live)


def _unnamed(description: SessionDescription) -> SessionDescription:
    """Return a description of nobody as one of plain lines; others as they are."""
    if not _mute(description):
        return description
    media = [
        replace(line, proto=_PLAIN) if line.proto.upper() in PROFILES else line for line in description.media
    ]
    return replace(description, media=tuple(media))


def _setup_of(role: int, *, ours: bool = False) -> str:
    """Return how a role of ours reads in our description, or in the far end's."""
    return "active" if (role == ACTIVE) is ours else "passive"


def _size(address: str) -> int:
    from firmware.media.worker import packed

    try:
        return len(packed(address))
    except ValueError:
        return 0


def _random(octets: int) -> str:
    return b2a_base64(os.urandom(octets), newline=False).decode()
