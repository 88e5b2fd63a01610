"""SRTP where we are an end of it: our keys for a side, and what the media process encrypts and decrypts with.

Keys we tell are made here, one for each phone that is called and suite; a key is never told to a second far
end, and never used to encrypt where somebody else made it (RFC 3711 9.1).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from firmware.media.errors import NotAcceptable
from firmware.media.side import Side
from rtp.keys import LENGTHS, NAMES, Keys
from sip import sdes
from sip.sdes import Crypto
from sip.sdp import Media

PLAIN, SECURE = "RTP/AVP", "RTP/SAVP"

Policy = Literal["passed", "converted", "required"]
"""What a site wants of SRTP: as the phones agree; each side by itself; no call without it."""

Form = Literal["plain", "across", "own"]
"""How a line is offered on: as plain RTP, with the offerer's keys, with keys of ours."""

_LAST_TAG = 999_999_000  # of nine digits (RFC 4568 9.1)
_SPARE = 10  # tags of ours begin well above those that phones use
_is_lifetime = re.compile(r"(\|(2\^[0-9]{1,2}|[0-9]{1,15}))?").fullmatch


def secure(line: Media) -> bool:
    """Whether a line is encrypted."""
    return line.proto.upper() == SECURE


def ours(line: Media) -> list[Crypto]:
    """Return the keys of a line that we can decrypt with: no unknown suite, key index or clear part."""
    return [key for key in sdes.offered(line) if key.suite in NAMES and _is_lifetime(key.rest)]


def made(first_tag: int) -> tuple[Crypto, ...]:
    """Return new keys, one of each suite, best first."""
    return tuple(
        Crypto(first_tag + at, name, os.urandom(LENGTHS[suite]))
        for at, (name, suite) in enumerate(NAMES.items())
    )


def first_tag(line: Media) -> int:
    """Return a tag above all of a line's, for keys of ours that are offered instead of those."""
    return max((key.tag for key in sdes.offered(line)), default=0) % _LAST_TAG + _SPARE


def encrypted(line: Media, keys: Sequence[Crypto]) -> Media:
    """Return a line as SRTP with these keys and no others."""
    line = replace(line, proto=SECURE).without_attributes("crypto")
    return line.with_attributes((*line.attributes, *[("crypto", str(key)) for key in keys]))


def bare(line: Media) -> Media:
    """Return a line as plain RTP."""
    return replace(line, proto=PLAIN).without_attributes("crypto")


class Keying:
    """How the two sides of a bridge are encrypted, by the site's policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy: Final = policy
        self._secure: dict[Side, bool] = {}  # as last agreed
        self._ours: dict[Side, Crypto] = {}  # what we encrypt with for a side
        self._across = False
        self._tag = 0  # for the next keys: by their tags we know who of several phones answers

    def check(self, line: Media) -> None:
        """Raise NotAcceptable for an offered line that the site does not want."""
        if self._policy == "required" and not secure(line):
            raise NotAcceptable("audio that is not encrypted")

    def forms(self, line: Media, *, sole: bool, box: bool) -> list[Form]:
        """Return how to offer a line that begins a call, the next where one is not acceptable.

        box: it is the box that offers it.
        """
        if box:
            return ["own"] if self._policy == "required" else ["plain", "own"]
        forms: list[Form] = ["across"] if secure(line) and sole else []
        known = not secure(line) or ours(line)
        if known:
            forms.append("own" if secure(line) else "plain")
        if known and self._policy == "converted":
            forms.append("plain" if secure(line) else "own")
        return forms

    def form_for(self, side: Side, line: Media, *, others: bool, box: bool) -> Form:
        """Return how to offer a line to a side that is in the call already; raises NotAcceptable.

        others: phones that still ring were offered keys of ours; box: it is the box that offers the line.
        What was encrypted does not cease to be.
        """
        agreed = self._secure.get(side)
        if box:
            return "own" if agreed or (agreed is None and self._policy == "required") else "plain"
        if secure(line) and (agreed is None or agreed):
            across = self._across if agreed else not others
            form: Form = "across" if across else "own"
        elif secure(line):
            form = "plain" if self._policy == "converted" else "across"
        elif agreed and self._policy != "converted":
            raise NotAcceptable("a call that is encrypted cannot go on without")
        else:
            form = "own" if agreed else "plain"
        if form != "across" and secure(line) and not ours(line):
            raise NotAcceptable("keys of no suite that we know")
        return form

    def keys_for(self, side: Side, line: Media) -> tuple[Crypto, ...]:
        """Return our keys to offer to a side: what it has, or new ones."""
        mine = self._ours.get(side)
        if mine is not None and self._secure.get(side):
            return (mine,)
        keys = made(max(first_tag(line), self._tag))
        self._tag = keys[-1].tag + 1 if keys[-1].tag < _LAST_TAG else 0
        return keys

    def takes(self, side: Side, line: Media) -> None:
        """Note that a side is asked to go on as `line` says, for now."""
        self._secure[side] = secure(line)
        self._ours.pop(side, None)

    def left(self, side: Side) -> None:
        """Note that no far end is on a side."""
        self._secure.pop(side, None)
        self._ours.pop(side, None)

    def agreed(self, side: Side, mine: Crypto | None, *, encrypted: bool, across: bool) -> None:
        """Note what a side agreed to: encrypted by our key `mine`, by the other's, or not at all."""
        self._secure[side], self._across = encrypted, across
        if mine is None:
            self._ours.pop(side, None)
        else:
            self._ours[side] = mine

    def reply(self, side: Side, line: Media, row: bytes) -> tuple[Crypto, Crypto]:
        """Return which key of a side's offered line we take, and ours for it; raises NotAcceptable.

        `row`: what its row has now. The same key of ours for as long as the side encrypts as it did: then it
        is the same far end that goes on.
        """
        theirs = ours(line)
        if not theirs:
            raise NotAcceptable("keys of no suite that we know")
        mine = self._ours.get(side)
        if mine is not None and row:
            before = (mine.suite, Keys.parse(row).receive)
            for each in theirs:
                if (each.suite, each.key) == before:
                    return each, Crypto(each.tag, mine.suite, mine.key)
        return theirs[0], Crypto(theirs[0].tag, theirs[0].suite, os.urandom(len(theirs[0].key)))


def row_keys(theirs: Crypto, mine: Crypto, row: bytes) -> bytes:
    """Return what a row is given that now has `row`: what a far end encrypts with, and we for it."""
    before = Keys.parse(row) if row else None
    mask = before.mask if before is not None and before.send == mine.key else 0  # as long as the key lives
    return bytes(Keys(NAMES[mine.suite], theirs.key, mine.key, mask))


def remasked(row: bytes) -> bytes:
    """Return a row's keys for a media process that has not counted with them."""
    mask = int.from_bytes(os.urandom(4), "big") or 1
    return bytes(Keys.parse(row).masked(mask))
