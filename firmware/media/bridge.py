"""A bridge: two far ends, one audio stream between them, through two ports of ours."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from firmware.media.errors import NotAcceptable
from firmware.media.quality import Far
from firmware.media.rewrite import SECURE, audio_line, direction, narrow, place, rewrite, telephone_event
from firmware.media.transcode import crossing, narrowed, widened
from rtp import plan
from rtp.control import Statistics
from rtp.plan import Row
from rtp.seat import Seat
from sip import sdes
from sip.errors import BadMessage
from sip.offer import check_answer, reverse, succeed
from sip.sdp import Connection, Media, Origin, SessionDescription

if TYPE_CHECKING:
    from firmware.media.media import Media as MediaProcess

Side = Literal["caller", "callee"]
SIDES: tuple[Side, Side] = ("caller", "callee")

_NOWHERE = Connection.to("0.0.0.0")  # noqa: S104 - said in a description, not bound

_BITS = {
    "inactive": plan.INACTIVE,
    "sendonly": plan.SENDONLY,
    "recvonly": plan.RECVONLY,
    "sendrecv": plan.SENDRECV,
}


@dataclass(frozen=True, slots=True)
class _Exchange:
    """An offer on its way: who made it, its audio line of how many, and what the other side saw of it."""

    offerer: Side
    index: int
    lines: int
    offered: Media
    forwarded: SessionDescription


class Bridge:
    """Made by `Media.open()`; use it as a context manager or call `close()`.

    `on_timeout(side)` is called when a far end that should send has been silent for too long, or when a
    restarted media process could not get the port back. `call` names the call where its quality is told of;
    `quiet` counts how often a side was not heard while the other was.
    """

    def __init__(self, media: MediaProcess, caller: int, callee: int) -> None:
        self.on_timeout: Callable[[Side], None] | None = None
        self.call = ""
        self.quiet: dict[Side, int] = dict.fromkeys(SIDES, 0)
        self._codecs: dict[Side, str] = {}  # what each side sends, as agreed
        self._media = media
        self._ports: dict[Side, int] = {"caller": caller, "callee": callee}
        self._sent: dict[Side, SessionDescription] = {}
        self._far: dict[Side, bytes] = {}  # where each far end was last, packed
        self._pending: _Exchange | None = None
        self._agreed: _Exchange | None = None
        self._open = True

    def __enter__(self) -> Bridge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def port(self, side: Side) -> int:
        """Return the local RTP port that faces a side."""
        return self._ports[side]

    def offer(self, side: Side, description: SessionDescription) -> SessionDescription:
        """Take an offer of one side, give the offer to make to the other; raises NotAcceptable.

        Nothing changes for running media until it is answered; a refused offer needs no undoing.
        """
        index = audio_line(description)
        offered = description.media[index]
        self._far[side] = self._place(offered)[0] or self._far.get(side, b"")
        wide = description.with_media(index, widened(offered, self._media.transcode))
        forwarded = self._emit(_other(side), self._filled(_other(side), wide), index)
        self._pending = _Exchange(side, index, len(description.media), offered, forwarded)
        return forwarded

    def answer(self, side: Side, description: SessionDescription) -> SessionDescription:
        """Take one side's answer, give the other's; media flows from now on. Raises NotAcceptable.

        An answer may follow another to the same offer: early media, then the final answer, perhaps of another
        fork, which replaces the earlier one.
        """
        exchange = self._pending if self._pending and self._pending.offerer != side else self._agreed
        if exchange is None or exchange.offerer == side:
            raise NotAcceptable("an answer without an offer")
        description = narrow(exchange.forwarded, description)
        try:
            check_answer(exchange.forwarded, description)
            self._check_keys(exchange, description)
        except BadMessage as error:
            raise NotAcceptable(error.why) from error
        answered, offered = description.media[exchange.index], exchange.offered
        self._far[side] = self._place(answered)[0] or self._far.get(side, b"")
        mux = offered.get("rtcp-mux") is not None and answered.get("rtcp-mux") is not None
        if not mux and not answered.rejected:
            answered = answered.without_attributes("rtcp-mux")
        forwarded, order = exchange.forwarded.media[exchange.index], self._media.transcode
        cross = crossing(offered, forwarded, answered, order, self._ports["caller"])
        mine = cross.line if cross else narrowed(offered, forwarded, answered)
        self._activate(exchange.offerer, offered, mine, cross.offerer if cross else None, mux=mux)
        told, seat = (forwarded, cross.answerer) if cross else (offered, None)
        self._activate(side, answered, told, seat, mux=mux)
        self._agreed, self._pending = exchange, None
        description = description.with_media(exchange.index, mine)
        description = replace(description, media=description.media[: exchange.lines])
        return self._emit(exchange.offerer, description, exchange.index)

    def hush(self, description: SessionDescription) -> SessionDescription:
        """Take the caller's offer ourselves: return an answer that neither sends nor hears anything."""
        return self.answer("callee", self.silent(self.offer("caller", description)))

    def silent(self, description: SessionDescription) -> SessionDescription:
        """Return a description as of somebody who neither sends nor hears; nothing changes by it."""
        media = tuple(medium if medium.rejected else _silent(medium) for medium in description.media)
        return replace(description, media=media)

    def pause(self, side: Side, description: SessionDescription) -> SessionDescription:
        """Answer the offer of somebody new on a side, for now without media: the next offer brings it.

        Raises NotAcceptable. The rows and the offers on their way stay as they are.
        """
        index = audio_line(description)
        self._place(description.media[index])
        return self._emit(side, description.with_media(index, _silent(description.media[index])), index)

    async def statistics(self) -> dict[Side, Statistics]:
        """Return what each side's port saw since it was opened, over restarts of the media process.

        A side is missing when there is no media process to ask.
        """
        found: dict[Side, Statistics] = {}
        for side in SIDES:
            answer = await self._media.ask(self._ports[side])
            if isinstance(answer, Statistics):
                found[side] = answer
        return found

    def fars(self) -> list[Far]:
        """Return what is known of the far ends, the caller's first, for a judgement on the call's quality."""
        rows = {side: self._row(side) for side in SIDES}
        return [
            Far(rows[side].clock, self._codecs.get(side, ""), bool(rows[side].seat), self.quiet[side])
            for side in SIDES
        ]

    def close(self) -> None:
        """Stop the media and give the ports back; again is harmless."""
        if self._open:
            self._open = False
            self.on_timeout = None
            self._media.release(self)

    def timed_out(self, port: int) -> None:
        """Pass on that nothing came to one of the ports."""
        if self.on_timeout is not None:
            self.on_timeout("caller" if port == self._ports["caller"] else "callee")

    @property
    def ports(self) -> tuple[int, int]:
        """Both local RTP ports, the caller's first."""
        return self._ports["caller"], self._ports["callee"]

    # -- rows

    def _put(self, row: Row) -> None:
        if self._open:
            self._media.put(row)

    def _row(self, side: Side) -> Row:
        port = self._ports[side]
        partner = self._ports[_other(side)]
        return self._media.row(port) or Row(port, partner=partner, window=self._media.window())

    def _activate(self, side: Side, own: Media, others: Media, seat: Seat | None, *, mux: bool) -> None:
        """Put the row that faces `side`: relayed, or in a room with a `seat`.

        `own` is its line; `others` is what it was told: its partner's line, or ours.
        """
        row = self._row(side)
        host, rtp, rtcp = self._place(own)
        rejected = own.rejected or others.rejected
        agreed = plan.INACTIVE if rejected else _BITS[direction(own)] & _BITS[reverse(direction(others))]
        codecs = others.rtpmaps
        codec = next(iter(codecs.values()), None)
        if codec is not None and not rejected:
            self._codecs[side] = codec.name.lower()
        changes: dict[str, object] = {
            "partner": 0 if seat else self._ports[_other(side)],
            "seat": bytes(seat) if seat else b"",
            "learning": row.learning if rejected else self._media.learning,
            "direction": agreed,
            "mux": mux,
            "event": telephone_event(codecs),
            "clock": codec.rate if codec and 0 < codec.rate <= plan.MAX_CLOCK else 8000,
            "silence": self._media.silence if agreed & plan.SENDONLY else 0,
        }
        if host and not rejected:
            changes |= {"host": host, "rtp": rtp, "rtcp": rtp if mux else rtcp}
            if row.host and (row.host, row.rtp) != (host, rtp):
                # It moved, or another fork answered: who sends from now on is to be learned anew.
                changes |= {"window": self._media.window(), "source": None}
        self._put(row.replace(**changes))

    def _check_keys(self, exchange: _Exchange, description: SessionDescription) -> None:
        answered = description.media[exchange.index]
        if answered.proto.upper() == SECURE and not answered.rejected:
            sdes.chosen(exchange.forwarded.media[exchange.index], answered)

    def _place(self, medium: Media) -> tuple[bytes, int, int]:
        """Return where a far end wants its media; raises NotAcceptable where we cannot or must not send."""
        host, rtp, rtcp = place(medium)
        if host and len(host) not in self._media.hosts:
            raise NotAcceptable("the media address is of another IP version than ours")
        if host in self._media.packed_hosts and self._media.owns(rtp):
            # two such calls would feed each other for ever
            raise NotAcceptable("the media address is our own")
        return host, rtp, rtcp

    # -- descriptions

    def _filled(self, to: Side, description: SessionDescription) -> SessionDescription:
        """Return an offer with as many media lines as that side has seen: none goes away (RFC 3264 8)."""
        before = self._sent.get(to)
        more = () if before is None else before.media[len(description.media) :]
        return replace(description, media=(*description.media, *(medium.reject() for medium in more)))

    def _emit(self, to: Side, description: SessionDescription, index: int) -> SessionDescription:
        """Rewrite a description for one side, as the newest of our own series of descriptions to it."""
        host = self._media.host(self._far.get(to, b""))
        before = self._sent.get(to)
        session = str(int.from_bytes(os.urandom(4), "big"))
        origin = before.origin if before else Origin(session, 1, Connection.to(host))
        emitted = rewrite(description, index, host, self._ports[to], origin)
        if before is not None:
            emitted = succeed(before, emitted)
        self._sent[to] = emitted
        return emitted


def _silent(medium: Media) -> Media:
    """Return the answer of nobody to a medium, with a key of our own where one is due: it is never used."""
    silent = replace(medium.with_direction("inactive"), connection=_NOWHERE).without_attributes("crypto")
    if medium.proto.upper() == SECURE:
        theirs = sdes.offered(medium)[0]
        key = sdes.Crypto(theirs.tag, theirs.suite, os.urandom(len(theirs.key)))
        silent = silent.with_attribute("crypto", str(key))
    return silent


def _other(side: Side) -> Side:
    return "callee" if side == "caller" else "caller"
