"""What of a description may pass from one far end to the other, and how it reads then.

Codecs pass through, and so do the keys of SRTP (SDES): the far ends encrypt for each other, and what we relay
we do not read. What would lead media past us or needs an end we are not (ICE, fingerprints) is taken out, and
so is what is personal or of no use (names and subjects in o=, s=, i=, u=, e=, p=). Media we do not relay stay
in place with port 0.
"""

from __future__ import annotations

from dataclasses import replace

from firmware.media.errors import NotAcceptable
from firmware.media.secure import PLAIN, SECURE
from firmware.media.worker import packed
from rtp.plan import NO_EVENT
from sip import sdes
from sip.candidate import Candidate
from sip.offer import answer_direction
from sip.sdp import Attribute, Connection, Media, Origin, RtpMap, SessionDescription

_ICE = "candidate remote-candidates end-of-candidates ice-ufrag ice-pwd ice-options ice-lite"
_KEYS = "fingerprint setup connection tls-id dtls-id identity key-mgmt zrtp-hash"
_GROUPS = "ice-pacing ice-mismatch group mid msid msid-semantic ssrc ssrc-group extmap"
_DROPPED = frozenset(f"rtcp tool {_ICE} {_KEYS} {_GROUPS}".split())
_KEPT_LINES = ("t", "b")
_HELD = {"sendrecv": "sendonly", "recvonly": "inactive"}


def audio_line(description: SessionDescription) -> int:
    """Return the index of the first audio line that can be relayed; raises NotAcceptable.

    The order is the offerer's wish: a line with keys before a plain one is not passed over for it.
    """
    for index, medium in enumerate(description.media):
        if medium.kind == "audio" and not medium.rejected:
            proto = medium.proto.upper()
            if proto == PLAIN or (proto == SECURE and sdes.offered(medium)):
                return index
    if any(medium.kind == "audio" and not medium.rejected for medium in description.media):
        raise NotAcceptable("audio only in a form that is not relayed (DTLS-SRTP, or feedback profile)")
    raise NotAcceptable("no audio")


def direction(medium: Media) -> str:
    """Return a line's direction; an old-style 0.0.0.0 means: send me nothing (RFC 3264 section 8.4)."""
    held = medium.connection is not None and medium.connection.unspecified
    return _HELD.get(medium.direction, medium.direction) if held else medium.direction


def narrow(offer: SessionDescription, answer: SessionDescription) -> SessionDescription:
    """Narrow an answer's directions to what the offer allows: many phones answer sendrecv to everything."""
    for index, (offered, answered) in enumerate(zip(offer.media, answer.media, strict=False)):
        if not answered.rejected:
            agreed = answer_direction(offered.direction, direction(answered))
            answer = answer.with_media(index, answered.with_direction(agreed))
    return answer


def place(medium: Media) -> tuple[bytes, int, int]:
    """Return packed address, RTP port, RTCP port (RFC 3605) of a line, nothing while it has no address.

    Raises NotAcceptable for anything but the address of one machine: names are never looked up.
    """
    connection = medium.connection
    if medium.rejected or connection is None or connection.unspecified:
        return b"", 0, 0
    try:
        host = packed(connection.address)
    except ValueError:
        raise NotAcceptable("the media address is no IP address") from None
    if host[0] >= 224 if len(host) == 4 else host[0] == 255:
        raise NotAcceptable("the media address is no address of one machine")
    word, *_ = (medium.get("rtcp") or "").split() or [""]
    rtcp = int(word) if word.isascii() and word.isdecimal() and len(word) <= 5 else medium.port + 1
    return host, medium.port, rtcp if 0 < rtcp <= 0xFFFF else 0


def telephone_event(codecs: dict[str, RtpMap]) -> int:
    """Return the payload type under which telephone-event (RFC 4733) is taken, or NO_EVENT."""
    for number, codec in codecs.items():
        if codec.name.lower() == "telephone-event" and number.isdecimal() and int(number) < 128:
            return int(number)
    return NO_EVENT


def rewrite(
    description: SessionDescription, index: int, host: str, port: int, origin: Origin
) -> SessionDescription:
    """Return a description as ours: only the line at `index` lives, at our address and port."""
    here = Connection.to(host)
    media = tuple(
        [
            _ours(medium, here, port) if at == index and not medium.rejected else medium.reject()
            for at, medium in enumerate(description.media)
        ]
    )
    return SessionDescription(
        origin=origin,
        media=media,
        connection=here,
        attributes=_kept(description.attributes),
        lines=tuple(line for line in description.lines if line[0] in _KEPT_LINES),
    )


def _ours(medium: Media, here: Connection, port: int) -> Media:
    """Return a line as it goes on: at our place, without what must not pass."""
    if medium.proto.upper() == SECURE:
        attributes = _kept(medium.attributes)
        keys = tuple(("crypto", str(key)) for key in sdes.offered(medium))
        attributes = (*(pair for pair in attributes if pair[0] != "crypto"), *keys)
    else:  # in a plain line a key protects nothing
        attributes = tuple([pair for pair in _kept(medium.attributes) if pair[0] != "crypto"])
    lines = tuple([line for line in medium.lines if line[0] in _KEPT_LINES])
    ours = Media(medium.kind, port, medium.proto, medium.formats, here, attributes, lines)
    return ours.with_direction(direction(medium))


def moved(description: SessionDescription, host: str) -> SessionDescription:
    """Return a description of ours with another address of ours; it stays the same session."""
    connection = Connection.to(host)
    media = tuple(
        [
            _moved(medium, connection) if medium.connection is not None else medium
            for medium in description.media
        ]
    )
    return replace(description, connection=connection, media=media)


def _moved(medium: Media, connection: Connection) -> Media:
    if medium.get("candidate") is not None:
        here = Candidate.host(connection.address, medium.port)
        medium = medium.with_attribute("candidate", str(here))
    return replace(medium, connection=connection)


def _kept(attributes: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
    return tuple([pair for pair in attributes if pair[0].lower() not in _DROPPED])
