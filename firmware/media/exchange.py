"""An offer on its way from one side of a bridge to the other; and the line of somebody who is not there."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from firmware.media import secure
from firmware.media.secure import Form
from firmware.media.side import Side
from sip import sdes
from sip.sdes import Crypto
from sip.sdp import Connection, Media, SessionDescription

if TYPE_CHECKING:
    from firmware.media.place import Place

_NOWHERE = Connection.to("0.0.0.0")  # noqa: S104 - said in a description, not bound


@dataclass(frozen=True, slots=True)
class Exchange:
    """An offer on its way: who made it, its audio line of how many, and what the other side saw of it.

    `place` made the offer where the box did. `keys` are those of ours that the other side saw; none where it
    is plain, or saw the offerer's.
    """

    offerer: Side
    index: int
    lines: int
    offered: Media
    forwarded: SessionDescription
    form: Form
    keys: tuple[Crypto, ...]
    place: Place | None = None

    @property
    def line(self) -> Media:
        """The audio line the other side saw."""
        return self.forwarded.media[self.index]

    @property
    def across(self) -> bool:
        """Whether each side encrypts for the other."""
        return self.form == "across"

    def fits(self, answer: SessionDescription) -> bool:
        """Whether it is this that was answered, as far as profile and keys can tell."""
        if self.index >= len(answer.media):
            return False
        answered = answer.media[self.index]
        if secure.secure(answered) is not secure.secure(self.line):
            return False
        tags = {key.tag for key in self.keys} if self.keys else {key.tag for key in sdes.offered(self.line)}
        return not secure.secure(answered) or any(key.tag in tags for key in sdes.offered(answered))


def silent_line(medium: Media) -> Media:
    """Return the answer of nobody to a medium, with a key of our own where one is due: it is never used."""
    silent = replace(medium.with_direction("inactive"), connection=_NOWHERE)
    silent = silent.without_attributes("crypto", "fingerprint")
    if secure.secure(medium):
        theirs = sdes.offered(medium)[0]
        key = sdes.Crypto(theirs.tag, theirs.suite, os.urandom(len(theirs.key)))
        silent = silent.with_attribute("crypto", str(key))
    return silent
