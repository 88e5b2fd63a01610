"""The rules of offer and answer (RFC 3264, RFC 6337).

A direction is what its describer does: sendonly at one end is recvonly at the other.
"""

from __future__ import annotations

from dataclasses import replace

from sip.errors import BadMessage, LocalError
from sip.sdp import DIRECTIONS, Media, SessionDescription

_SEND, _RECEIVE = 1, 2
_BITS = {"sendrecv": _SEND | _RECEIVE, "sendonly": _SEND, "recvonly": _RECEIVE, "inactive": 0}
_NAMES = {bits: name for name, bits in _BITS.items()}


def reverse(direction: str) -> str:
    """Give a direction as the other end sees it."""
    bits = _BITS[direction]
    return _NAMES[(bits & _SEND) << 1 | (bits & _RECEIVE) >> 1]


def answer_direction(offered: str, wanted: str = "sendrecv") -> str:
    """Give what to answer to an offered direction when we want another (section 6.1)."""
    return _NAMES[_BITS[reverse(offered)] & _BITS[wanted]]


def on_hold(medium: Media) -> bool:
    """Whether the describer does not want to hear us: sendonly, inactive or an old-style 0.0.0.0 (8.4)."""
    unspecified = medium.connection is not None and medium.connection.unspecified
    return unspecified or not _BITS[medium.direction] & _RECEIVE


def check_answer(offer: SessionDescription, answer: SessionDescription) -> None:
    """Raise BadMessage(layer="sdp") when an answer does not fit its offer (section 6)."""
    if len(answer.media) != len(offer.media):
        raise _misfit("the answer has another number of media than the offer")
    for offered, answered in zip(offer.media, answer.media, strict=True):
        if answered.kind != offered.kind or answered.proto.upper() != offered.proto.upper():
            raise _misfit("the answer has other media than the offer")
        if answered.rejected:
            continue
        if offered.rejected:
            raise _misfit("the answer takes up a medium that the offer refuses")
        if not _common_format(offered, answered):
            raise _misfit("the answer has no format of the offer")
        if _BITS[answered.direction] & ~_BITS[reverse(offered.direction)]:
            raise _misfit("the answer has a direction the offer does not allow")


def check_new_offer(previous: SessionDescription, offer: SessionDescription) -> None:
    """Raise BadMessage(layer="sdp") when a later offer drops or reorders media (section 8).

    A refused medium leaves a slot that another kind may take (8.1).
    """
    if len(offer.media) < len(previous.media):
        raise _misfit("the new offer has fewer media than the session")
    for before, after in zip(previous.media, offer.media, strict=False):
        if after.kind != before.kind and not before.rejected:
            raise _misfit("the new offer reorders media")


def reject(offer: SessionDescription, description: SessionDescription) -> SessionDescription:
    """Give `description` with media that refuse everything in `offer`."""
    return replace(description, media=tuple(medium.reject() for medium in offer.media))


def succeed(previous: SessionDescription, description: SessionDescription) -> SessionDescription:
    """Give our next description under the session's identity: version + 1 on change, else the same (8)."""
    same = replace(description, origin=replace(previous.origin, connection=description.origin.connection))
    if same == previous:
        return previous
    return replace(same, origin=replace(same.origin, version=previous.origin.version + 1))


def hold(description: SessionDescription, direction: str = "sendonly") -> SessionDescription:
    """Give our description with every live medium held: what was inactive or silent stays so."""
    if direction not in DIRECTIONS:
        raise LocalError("no such direction")
    media = tuple(
        medium
        if medium.rejected
        else medium.with_direction(_NAMES[_BITS[medium.direction] & _BITS[direction]])
        for medium in description.media
    )
    return replace(description, media=media)


def _common_format(offered: Media, answered: Media) -> bool:
    # Dynamic numbers may differ between the two ends; codecs are compared where both are explained.
    ours, theirs = offered.rtpmaps, answered.rtpmaps
    if any(codec.matches(other) for codec in ours.values() for other in theirs.values()):
        return True
    unexplained = set(offered.formats) - set(ours)
    return not unexplained.isdisjoint(set(answered.formats) - set(theirs))


def _misfit(why: str) -> BadMessage:
    return BadMessage("sdp", why, status=488, reason="Not Acceptable Here")
