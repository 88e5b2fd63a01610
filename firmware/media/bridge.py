"""A bridge: two far ends, one audio stream between them, through two ports of ours."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from firmware.media import secure
from firmware.media.errors import NotAcceptable
from firmware.media.exchange import Exchange, silent_line
from firmware.media.hold import Hold, answered_inactive, hold, offered_inactive
from firmware.media.offers import Offers
from firmware.media.place import Inside, Place, boarded, invited
from firmware.media.quality import Far
from firmware.media.rewrite import audio_line, direction, narrow, place, rewrite, telephone_event
from firmware.media.secure import Form, Keying, Policy
from firmware.media.side import SIDES, Side, other
from firmware.media.transcode import crossing, narrowed, widened
from rtp import orders, plan
from rtp.control import Statistics
from rtp.plan import Row
from rtp.seat import Seat
from sip import sdes
from sip.errors import BadMessage
from sip.offer import answer_direction, check_answer, reverse, succeed
from sip.sdes import Crypto
from sip.sdp import Connection, Media, Origin, SessionDescription

if TYPE_CHECKING:
    from firmware.media.media import Media as MediaProcess


MOST = 256  # offers out at once: phones that ring, each with a second try

_BITS = {
    "inactive": plan.INACTIVE,
    "sendonly": plan.SENDONLY,
    "recvonly": plan.RECVONLY,
    "sendrecv": plan.SENDRECV,
}


class Bridge:
    """Made by `Media.open()`; use it as a context manager or call `close()`.

    `on_timeout(side)` is called when a far end that should send has been silent for too long, or when a
    restarted media process could not get the port back. `call` names the call where its quality is told of;
    `quiet` counts how often a side was not heard while the other was. `music`: who is held may hear ours.
    """

    def __init__(self, media: MediaProcess, caller: int, callee: int, *, srtp: Policy = "passed") -> None:
        self.on_timeout: Callable[[Side], None] | None = None
        self.call = ""
        self.music = True
        self.quiet: dict[Side, int] = dict.fromkeys(SIDES, 0)
        self._codecs: dict[Side, str] = {}  # what each side sends, as agreed
        self._media = media
        self._ports: dict[Side, int] = {"caller": caller, "callee": callee}
        self._sent: dict[Side, SessionDescription] = {}
        self._far: dict[Side, bytes] = {}  # where each far end was last, packed
        self._pending: list[Exchange] = []  # several where phones that ring were offered different keys
        self._agreed: Exchange | None = None
        self._keying = Keying(srtp)
        self._places: dict[Side, Place] = {}  # by whom of us a side's far end is entertained
        self._hold: Hold | None = None
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

    def offers(self, side: Side, description: SessionDescription, *, sole: bool = False) -> Offers:
        """Take the offer of one side that begins a call, give what to offer to phones; raises NotAcceptable.

        Only where it is the `sole` phone that can be meant, it may be told the key of who calls.
        """
        index, offered = self._heard(side, description)
        forms = self._keying.forms(offered, sole=sole, box=isinstance(description, Inside))
        if not forms:
            raise NotAcceptable("keys of no suite that we know, for several phones")
        self._pending = []

        def instead(of: SessionDescription) -> SessionDescription | None:
            used = next((each.form for each in self._pending if each.forwarded == of), forms[-1])
            later = forms[forms.index(used) + 1 :]
            return self._propose(side, description, index, later[0]) if later else None

        return Offers(lambda: self._propose(side, description, index, forms[0]), instead)

    def offer(self, side: Side, description: SessionDescription) -> SessionDescription:
        """Take an offer of one side, give the offer to make to the other; raises NotAcceptable.

        Nothing changes for running media until it is answered; a refused offer needs no undoing.
        """
        index, offered = self._heard(side, description)
        others = any(each.keys for each in self._pending)
        form = self._keying.form_for(other(side), offered, others=others, box=isinstance(description, Inside))
        self._pending = []
        return self._propose(side, description, index, form)

    def answer(self, side: Side, description: SessionDescription) -> SessionDescription:
        """Take one side's answer, give the other's; media flows from now on. Raises NotAcceptable.

        An answer may follow another to the same offer: early media, then the final answer, perhaps of another
        fork, which replaces the earlier one.
        """
        exchange = self._answered(side, description)
        description = narrow(exchange.forwarded, description)
        theirs: Crypto | None = None
        try:
            check_answer(exchange.forwarded, description)
            inside = isinstance(description, Inside)
            if secure.secure(description.media[exchange.index]) and not inside:
                theirs = self._chosen(exchange, description.media[exchange.index])
        except BadMessage as error:
            raise NotAcceptable(error.why) from error
        answered, offered = description.media[exchange.index], exchange.offered
        if inside or exchange.place is not None:
            return self._entertain(exchange, side, description, theirs)
        again = self._agreed is not None and exchange is not self._agreed and self.music
        self._places.clear()
        self._far[side] = self._place(answered)[0] or self._far.get(side, b"")
        self._unhold()
        mux = offered.get("rtcp-mux") is not None and answered.get("rtcp-mux") is not None
        if not mux and not answered.rejected:
            answered = answered.without_attributes("rtcp-mux")
        forwarded, order = exchange.line, self._media.transcode
        cross = crossing(offered, forwarded, answered, order, self._ports["caller"])
        mine = cross.line if cross else narrowed(offered, forwarded, answered)
        mine = mine.with_direction(answer_direction(direction(offered), mine.direction))
        if again and not exchange.across and answered_inactive(self._media, offered, mine):
            mine = mine.with_direction("sendonly")
        told, seat = (forwarded, cross.answerer) if cross else (offered, None)
        keys: dict[Side, bytes] = {}
        if answered.rejected:
            mine = replace(mine, proto=offered.proto)
        else:
            mine, keys = self._key(exchange, side, theirs, mine)
        self._activate(exchange.offerer, offered, mine, cross.offerer if cross else None, keys, mux=mux)
        self._activate(side, answered, told, seat, keys, mux=mux)
        if again and not exchange.across:
            ports = {"offerer": self._ports[exchange.offerer], "answerer": self._ports[side]}
            self._hold = hold(self._media, ports, offered, answered, mine)
        self._agreed = exchange
        description = description.with_media(exchange.index, mine)
        description = replace(description, media=description.media[: exchange.lines])
        return self._emit(exchange.offerer, description, exchange.index)

    def _entertain(
        self, exchange: Exchange, side: Side, description: SessionDescription, theirs: Crypto | None
    ) -> SessionDescription:
        """Agree with the one far end there is; the other side is the box."""
        answered, offered, order = description.media[exchange.index], exchange.offered, self._media.transcode
        told = exchange.line
        if isinstance(description, Inside):
            guest, own, place = exchange.offerer, offered, description.place
            if place is None or exchange.place is not None:
                raise NotAcceptable("the box would talk with itself")
            answered, seat = boarded(offered, answered, order, place)
            others = answered
        else:
            guest, own, others, place = side, answered, told, exchange.place
            if place is None or answered.rejected:
                raise NotAcceptable("no audio")
            self._far[side] = self._place(answered)[0] or self._far.get(side, b"")
            seat = invited(told, answered, order, place)
        mux = own.get("rtcp-mux") is not None and others.get("rtcp-mux") is not None
        answered, keys = self._key(exchange, side, theirs, answered, guest=guest)
        self._unhold()
        self._media.withdraw(self._ports[other(guest)])
        self._activate(guest, own, others, seat, keys, mux=mux)
        self._places = {guest: place}
        self._agreed, self._pending = exchange, []
        description = description.with_media(exchange.index, answered)
        description = replace(description, media=description.media[: exchange.lines])
        emitted = self._emit(exchange.offerer, description, exchange.index)
        place.seated(self._ports[guest])
        return emitted

    def told(self, message: orders.Digit | orders.Speaker) -> None:
        """Pass on what the room heard of a far end."""
        place = self._places.get("caller" if message.port == self._ports["caller"] else "callee")
        if place is None:
            return
        if isinstance(message, orders.Digit):
            place.pressed(message.event, message.length)
        else:
            place.speaks()

    def hush(self, description: SessionDescription) -> SessionDescription:
        """Take the caller's offer ourselves: return an answer that neither sends nor hears anything."""
        return self.answer("callee", self.silent(self.offer("caller", description)))

    def silent(self, description: SessionDescription) -> SessionDescription:
        """Return a description as of somebody who neither sends nor hears; nothing changes by it."""
        media = tuple(medium if medium.rejected else silent_line(medium) for medium in description.media)
        return replace(description, media=media)

    def pause(self, side: Side, description: SessionDescription) -> SessionDescription:
        """Answer the offer of somebody new on a side, for now without media: the next offer brings it.

        Raises NotAcceptable. The rows and the offers on their way stay as they are.
        """
        index = audio_line(description)
        self._place(description.media[index])
        self._keying.check(description.media[index])
        self._keying.takes(side, description.media[index])
        return self._emit(side, description.with_media(index, silent_line(description.media[index])), index)

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
            self._unhold()
            self._media.release(self)

    def _unhold(self) -> None:
        if self._hold is not None:
            self._hold.end()
            self._hold = None

    def timed_out(self, port: int) -> None:
        """Pass on that nothing came to one of the ports."""
        if self.on_timeout is not None:
            self.on_timeout("caller" if port == self._ports["caller"] else "callee")

    @property
    def ports(self) -> tuple[int, int]:
        """Both local RTP ports, the caller's first."""
        return self._ports["caller"], self._ports["callee"]

    # -- exchanges

    def _heard(self, side: Side, description: SessionDescription) -> tuple[int, Media]:
        """Look at a side's offer; return the index of its audio line and that line. Raises NotAcceptable."""
        index = audio_line(description)
        offered = description.media[index]
        if not isinstance(description, Inside):
            self._keying.check(offered)
        self._far[side] = self._place(offered)[0] or self._far.get(side, b"")
        return index, offered

    def _propose(
        self, side: Side, description: SessionDescription, index: int, form: Form
    ) -> SessionDescription:
        """Return a side's offer in the form for the other, and wait for what it says to that."""
        known = next((each for each in self._pending if each.form == form != "own"), None)
        if known is not None:
            return known.forwarded
        offered, to = description.media[index], other(side)
        keys = self._keying.keys_for(to, offered) if form == "own" else ()
        line = offered
        if form != "across":
            line = secure.encrypted(line, keys) if keys else secure.bare(line)
            line = widened(line, self._media.transcode)
            if self._agreed is not None and self.music and offered_inactive(self._media, offered):
                line = line.with_direction("sendonly")
        forwarded = self._emit(to, self._filled(to, description.with_media(index, line)), index)
        place = description.place if isinstance(description, Inside) else None
        lines = len(description.media)
        self._pending.append(Exchange(side, index, lines, offered, forwarded, form, keys, place))
        del self._pending[:-MOST]
        return forwarded

    def _answered(self, side: Side, description: SessionDescription) -> Exchange:
        """Return what is answered; raises NotAcceptable where nothing was offered."""
        found = [each for each in reversed(self._pending) if each.offerer != side]
        if not found and self._agreed is not None and self._agreed.offerer != side:
            found = [self._agreed]
        if not found:
            raise NotAcceptable("an answer without an offer")
        return next((each for each in found if each.fits(description)), found[0])

    def _chosen(self, exchange: Exchange, answered: Media) -> Crypto | None:
        """Return the key of an answer; BadMessage where it has none that fits, None where it is rejected."""
        if answered.rejected:
            return None
        theirs = sdes.chosen(exchange.line, answered)
        if exchange.keys and theirs not in secure.ours(answered):
            raise BadMessage("sdp", "the answer has a key with parameters we do not know", status=488)
        return theirs

    def _key(
        self,
        exchange: Exchange,
        side: Side,
        theirs: Crypto | None,
        line: Media,
        *,
        guest: Side | None = None,
    ) -> tuple[Media, dict[Side, bytes]]:
        """Agree on keys; return `line` for the offerer with ours, and the keys of the rows. NotAcceptable.

        `guest`: the one far end there is, where the other side is the box.
        """
        keying, offerer, offered = self._keying, exchange.offerer, exchange.offered
        across = exchange.across and guest is None
        encrypted = secure.secure(offered)
        srtp: dict[Side, bytes] = dict.fromkeys(SIDES, b"")
        reply = None
        if encrypted and not across:
            row = self._row(offerer).srtp
            reply = keying.reply(offerer, offered, row)
            srtp[offerer] = secure.row_keys(*reply, row)
        mine = next((key for key in exchange.keys if theirs is not None and key.tag == theirs.tag), None)
        if mine is not None and theirs is not None:
            srtp[side] = secure.row_keys(theirs, mine, self._row(side).srtp)
        keying.agreed(offerer, reply[1] if reply else None, encrypted=encrypted, across=across)
        keying.agreed(side, mine, encrypted=theirs is not None, across=across)
        if guest is not None:
            keying.left(other(guest))
        if not across:
            line = secure.encrypted(line, [reply[1]]) if reply else secure.bare(line)
        return line, srtp

    # -- rows

    def _put(self, row: Row) -> None:
        if self._open:
            self._media.put(row)

    def _row(self, side: Side) -> Row:
        port = self._ports[side]
        partner = self._ports[other(side)]
        return self._media.row(port) or Row(port, partner=partner, window=self._media.window())

    def _activate(
        self, side: Side, own: Media, others: Media, seat: Seat | None, keys: dict[Side, bytes], *, mux: bool
    ) -> None:
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
            "partner": 0 if seat else self._ports[other(side)],
            "seat": bytes(seat) if seat else b"",
            "srtp": keys.get(side, row.srtp),
            "learning": row.learning if rejected else self._media.learning,
            "direction": agreed,
            "mux": mux,
            "event": telephone_event(codecs),
            "clock": codec.rate if codec and 0 < codec.rate <= plan.MAX_CLOCK else 8000,
            "silence": self._media.silence if agreed == plan.SENDRECV else 0,  # who holds may well be silent
        }
        if host and not rejected:
            changes |= {"host": host, "rtp": rtp, "rtcp": rtp if mux else rtcp}
            if row.host and (row.host, row.rtp) != (host, rtp):
                # It moved, or another fork answered: who sends from now on is to be learned anew.
                changes |= {"window": self._media.window(), "source": None}
        self._put(row.replace(**changes))

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
