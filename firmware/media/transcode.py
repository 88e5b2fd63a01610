"""Codecs of the two sides of a call: passed through whenever both can, turned into each other where not.

An offer goes on with our own codecs after those of who made it. The answer shows whether that was needed:
if the answering side prefers one of the offerer's, nothing is turned into anything. Else both rows sit in
one room of the media process. Not where keys are handed across: what is encrypted from end to end we cannot
hear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rtp.seat import CODES, EVENT, RELAY, Format, Seat
from sip.sdp import DIRECTIONS, STATIC, Media, RtpMap

ORDER = ("pcmu", "pcma")
MAPS = {  # as offered: encoding name (RFC 3551, RFC 3555, RFC 7587)
    "pcmu": RtpMap("PCMU", 8000),
    "pcma": RtpMap("PCMA", 8000),
    "g722": RtpMap("G722", 8000),
    "opus": RtpMap("opus", 48000, 2),
    "l16": RtpMap("L16", 16000),
}
_EVENT = "telephone-event"
_FIRST_DYNAMIC, _DYNAMIC = 96, 128


@dataclass(frozen=True, slots=True)
class Crossing:
    """A call whose sides share no codec: the line the offerer is answered with, and a seat for each."""

    line: Media
    offerer: Seat
    answerer: Seat


def able(order: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the wanted codecs that this machine has; G.711 it always has."""
    if set(order) <= set(ORDER):
        return order
    from rtp.codec import available

    here = available()
    return tuple(name for name in order if (name, MAPS[name].rate) in here)


def widened(line: Media, order: tuple[str, ...]) -> Media:
    """Return an offered line with what else we could turn into its codecs, in `order`, after its own."""
    theirs = line.rtpmaps
    if not ours_of(theirs, order):
        return line
    formats, attributes = list(line.formats), list(line.attributes)
    for name in order:
        ours = MAPS[name]
        if any(ours.matches(each) for each in theirs.values()):
            continue
        number = next((number for number, each in STATIC.items() if each.matches(ours)), None)
        if number is None or number in formats:
            free = (str(n) for n in range(_FIRST_DYNAMIC, _DYNAMIC) if str(n) not in formats)
            number = next(free, None)
        if number is not None:
            at = next((at for at, each in enumerate(formats) if _is_event(theirs.get(each))), len(formats))
            formats.insert(at, number)
            attributes.append(("rtpmap", f"{number} {ours}"))
    return replace(line, formats=tuple(formats), attributes=tuple(attributes))


def crossing(
    offered: Media, forwarded: Media, answered: Media, order: tuple[str, ...], room: int
) -> Crossing | None:
    """Return what both sides get where they must be turned into each other; None: their packets pass.

    `offered` came from one side, `forwarded` is what we made of it, `answered` the other's answer to that.
    """
    if answered.rejected or len(forwarded.formats) == len(offered.formats):
        return None
    chosen = next((each for each in answered.rtpmaps.items() if not _is_event(each[1])), None)
    spoken = ours_of(offered.rtpmaps, order)
    if chosen is None or not spoken or any(chosen[1].matches(each) for each in offered.rtpmaps.values()):
        return None
    others = ours_of(answered.rtpmaps, order)
    if not others:
        return None
    number, mine = spoken[0]
    both = event_of(offered) is not None and event_of(answered) is not None
    line = _answer(offered, answered, number, events=both)
    events = (event_of(offered), event_of(answered), event_of(forwarded)) if both else (None, None, None)
    return Crossing(
        line,
        _seat(room, mine, (mine,), events[0], events[0]),
        _seat(room, others[0][1], tuple(each for _, each in ours_of(forwarded.rtpmaps, order)), *events[1:]),
    )


def narrowed(offered: Media, forwarded: Media, answered: Media) -> Media:
    """Return an answered line for the offerer, without the formats that were ours."""
    added = set(forwarded.formats) - set(offered.formats)
    if answered.rejected or not added:
        return answered
    return answered.keep_formats(each for each in answered.formats if each not in added)


def _seat(room: int, speaks: Format, hears: tuple[Format, ...], to: Format | None, of: Format | None) -> Seat:
    spoken = (speaks, *([to] if to else []))
    return Seat(room, spoken, (*hears, *([of] if of else [])), flags=RELAY)


def _answer(offered: Media, answered: Media, number: str, *, events: bool) -> Media:
    wanted = [number, *[each for each, kind in offered.rtpmaps.items() if events and _is_event(kind)][:1]]
    line = offered.keep_formats(wanted)
    kept = [pair for pair in line.attributes if pair[0] in {"rtpmap", "fmtp"} | set(DIRECTIONS)]
    if answered.get("rtcp-mux") is not None:
        kept.append(("rtcp-mux", None))
    line = replace(line, port=answered.port, connection=answered.connection, attributes=tuple(kept), lines=())
    return line.with_direction(answered.direction)


def ours_of(codecs: dict[str, RtpMap], order: tuple[str, ...]) -> list[tuple[str, Format]]:
    """Return formats of a line that the media process can code, in the line's own order."""
    found = []
    for number, codec in codecs.items():
        name = codec.name.lower()
        if name in order and MAPS[name].matches(codec) and number.isdecimal() and int(number) < _DYNAMIC:
            found.append((number, (int(number), CODES[name], codec.rate)))
    return found


def _is_event(codec: RtpMap | None) -> bool:
    return codec is not None and codec.name.lower() == _EVENT


def event_of(line: Media) -> Format | None:
    """Return the format of telephone-events of a line, None where it takes none."""
    for number, codec in line.rtpmaps.items():
        if _is_event(codec) and number.isdecimal() and int(number) < _DYNAMIC:
            return int(number), EVENT, codec.rate
    return None
