"""Changes of a session that we want: re-INVITE, UPDATE, and the refreshes of its timer.

RFC 3261 14.1, RFC 3311, RFC 4028. What the far end wants to change is in `sip.session`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from sip.acks import Acks
from sip.core import SDP, Core, sdp_of
from sip.credentials import Headers
from sip.errors import LocalError
from sip.message import Message, Request, Response
from sip.session_timer import SessionExpires, SessionTimer, grant, min_se
from sip.transaction import LIFETIME, Transaction
from sip.usage import DialogUsage

if TYPE_CHECKING:
    from sip.timers import Timer

_GLARE_TRIES: Final = 5


class _Change(NamedTuple):
    """A re-offer of ours; `refresh`: it changes nothing and nobody waits for its answer."""

    offer: bytes | None
    update: bool
    refresh: bool = False


class Changes(DialogUsage, ABC):
    """The half of a session that changes it on our word; `state` is "early", "confirmed" or "ended"."""

    __slots__ = (
        "_acks",
        "_far_updates",
        "_owns_call_id",
        "_reoffer",
        "_reoffer_limit",
        "_replied",
        "_retry",
        "_said",
        "_timer",
        "_tries",
        "_waiting",
        "asserted",
        "state",
    )

    def __init__(self, core: Core, *, owns_call_id: bool) -> None:
        """Begin with nothing said and nothing to change."""
        super().__init__(core)
        self._owns_call_id = owns_call_id
        self._reoffer: _Change | None = None
        self._waiting: _Change | None = None  # for a refresh to be over
        self._timer: SessionTimer | None = None
        self._far_updates = False  # the far end said that it knows UPDATE
        self._said = b""  # our newest description that stands
        self._replied: tuple[bytes, bytes] | None = None  # the far end's newest offer and our answer to it
        self._reoffer_limit: Timer | None = None
        self._retry: Timer | None = None
        self._tries = 0
        self._acks: Acks | None = None
        self.asserted: Headers = ()
        """What goes with every answer to an INVITE, re-INVITE and UPDATE of ours: who talks at this end."""
        self.state = "early"

    # -- what the whole session knows --------------------------------------------------------------

    @property
    def answering(self) -> bool:
        """Whether the session is accepted and only its 2xx has to wait for a PRACK."""
        return False

    @abstractmethod
    def _occupied(self) -> bool:
        """Whether something of the far end's, or its ACK, is still open."""

    @abstractmethod
    def _tell_reoffered(self, answer: bytes | None) -> None:
        """Tell that our change is made."""

    @abstractmethod
    def _tell_refused(self, status: int) -> None:
        """Tell that our change is not made."""

    @abstractmethod
    def _lost(self, status: int, response: Response | None, now: float) -> None:
        """End a session the far end knows nothing of any more (12.2.1.2)."""

    @abstractmethod
    def _expire(self, now: float) -> None:
        """Give up a far end nobody has heard of (RFC 4028 10)."""

    # -- for the owner -----------------------------------------------------------------------------

    def reoffer(self, offer: bytes | None, now: float, *, update: bool = False) -> None:
        """Offer a change by re-INVITE, or UPDATE; `reoffered` or `refused` follows. One at a time.

        With None a re-INVITE asks the far end for an offer: `reoffered` brings it, and `ack` answers it.
        Waits by itself for a change of the far end to be done with, and tries again after 491 (14.1).
        """
        if self.state == "early" and not self.answering:
            raise LocalError("no re-offer before the session is answered")
        if self.state == "ended":
            return
        change = _Change(offer, update)
        if self._reoffer is not None and self._reoffer.refresh and self._waiting is None:
            self._waiting = change
            return
        if self._reoffer is not None:
            raise LocalError("a re-offer is under way already")
        self._begin(change, now)

    def inform(self, now: float) -> None:
        """Tell the far end what is `asserted` by an UPDATE without offer, if it knows that (RFC 3311)."""
        if self.state == "confirmed" and self._far_updates:
            timer = () if self._timer is None else self._timer.headers()
            headers = (*self._2xx_headers(), *self.asserted, *timer)
            self._send("UPDATE", now, self._on_informed, headers, aside=True)

    def _on_informed(self, _: Transaction, status: int, response: Response | None, now: float) -> None:
        if self.state != "confirmed":
            return
        if response is not None and status < 300:
            self._there.refresh(response)
            if self._timer is not None and self._timer.seconds:
                self._agree(response, now)
        elif status in {408, 481} or response is None:
            self._lost(status, response, now)
        # else it does not want to know, and nothing else depends on it

    def _begin(self, change: _Change | None, now: float) -> None:
        self._reoffer = change
        self._tries = 0
        self._try_reoffer(now)

    def ack(self, answer: bytes, now: float) -> None:
        """Send the ACK with our answer to the offer a 2xx brought; only after an INVITE without one."""
        acks, self._acks = self._acks, None
        if acks is None:
            if self.state == "ended":
                return
            raise LocalError("there is no offer to answer in an ACK")
        self._describe(answer)
        acks.send(self._there, self._there.remote_tag, answer)
        self._try_reoffer(now)

    @property
    def said(self) -> bytes:
        """Our newest description that stands, b"" when there is none yet."""
        return self._said

    # -- the session timer (RFC 4028) --------------------------------------------------------------

    def _note_updates(self, message: Message) -> None:
        if "Allow" in message:
            self._far_updates = "UPDATE" in message.values("Allow")

    def _describe(self, sdp: bytes, offer: bytes | None = None) -> None:
        """Note what stands now: our description, and the offer it answers, if it does."""
        if sdp:
            self._said = sdp
            self._replied = None if offer is None else (offer, sdp)

    def _grant(self, request: Request, now: float) -> Headers:
        """Say in a 2xx of ours how long the session lasts, and let the time run."""
        timer, config = self._timer, self._core.config
        granted = grant(
            request,
            usual=config.session_seconds,
            shortest=config.shortest_session,
            ours=timer.ours if timer is not None and timer.seconds else None,
        )
        if granted is None:
            self._stop_timer()
            return ()
        self._run_timer(granted.seconds, now, ours=granted.refresher == "uas")
        lines: Headers = (("Session-Expires", str(granted)),)
        # 9: who must refresh must know how.
        return lines if granted.refresher == "uas" else (*lines, ("Require", "timer"))

    def _agree(self, response: Response, now: float) -> None:
        """Take from a 2xx of the far end how long the session lasts (7.2)."""
        granted = SessionExpires.of(response)
        if granted is None:
            self._stop_timer()
        else:
            self._run_timer(max(granted.seconds, 1), now, ours=granted.refresher != "uas")

    def _run_timer(self, seconds: int, now: float, *, ours: bool) -> None:
        if self._timer is None:
            self._timer = SessionTimer(self._core.timers, self._refresh, self._expire)
        self._timer.start(seconds, now, ours=ours)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()

    def _refresh(self, now: float) -> None:
        """Tell the far end that we are there: by UPDATE if it knows that, else by saying the same again."""
        timer = self._timer
        if timer is None or self.state != "confirmed":
            return
        if self._far_updates:
            headers = (*self._2xx_headers(), *timer.headers())
            self._send("UPDATE", now, self._on_refreshed, headers, aside=True)
        elif self._reoffer is None:
            self._begin(_Change(self._said, update=False, refresh=True), now)
        # else a change of ours is under way, and that refreshes the session as well

    def _on_refreshed(self, _: Transaction, status: int, response: Response | None, now: float) -> None:
        timer = self._timer
        if self.state != "confirmed" or timer is None:
            return
        if response is not None and status < 300:
            self._there.refresh(response)
            self._agree(response, now)
        elif response is not None and status == 422 and timer.raise_to(min_se(response)):
            self._refresh(now)
        elif status in {408, 481} or response is None:
            self._lost(status, response, now)
        else:
            self._far_updates = self._far_updates and status not in {405, 501}
            timer.again(now)

    # -- changes we want ---------------------------------------------------------------------------

    def _try_reoffer(self, now: float) -> None:
        busy = self._acks or self._sending or self._retry
        if self._reoffer is None or busy or self._occupied() or self.state != "confirmed":
            return
        change = self._reoffer
        timer = () if self._timer is None else self._timer.headers()
        described = () if change.offer is None else (("Content-Type", SDP),)
        headers = (*self._2xx_headers(), *self.asserted, *timer, *described)
        method = "UPDATE" if change.update else "INVITE"
        self._send(method, now, self._on_reoffer_answer, headers, change.offer or b"")
        self._reoffer_limit = self._core.timers.after(LIFETIME, self._reoffer_timeout, now)

    def _on_reoffer_answer(
        self, transaction: Transaction, status: int, response: Response | None, now: float
    ) -> None:
        ours = self._reoffer_over()
        change = self._reoffer
        if response is not None and status < 300:
            self._there.refresh(response)
            if response.cseq_method == "INVITE":
                acks = Acks.take_over(self._core, transaction)
                acks.dialog(response)
                if ours and change is not None and change.offer is None and sdp_of(response) is not None:
                    self._acks = acks
                else:
                    acks.send(self._there, response.to_tag)
            if ours and change is not None:
                self._reoffer_accepted(change, response, now)
        elif ours and change is not None:
            self._reoffer_refused(change, status, response, now)

    def _reoffer_accepted(self, change: _Change, response: Response, now: float) -> None:
        self._note_updates(response)
        if self._timer is not None and self._timer.seconds:
            self._agree(response, now)
        if change.offer is None and self._acks is None:
            self._core.count("2xx without sdp")
            self._over_with(change, now, partial(self._tell_refused, 488))
            return
        if not change.refresh:
            self._describe(change.offer or b"")
        self._over_with(change, now, partial(self._tell_reoffered, sdp_of(response)))

    def _reoffer_refused(self, change: _Change, status: int, response: Response | None, now: float) -> None:
        timer = self._timer
        if status == 491 and self._tries < _GLARE_TRIES:
            self._tries += 1
            # 14.1: the owner of the Call-ID waits 2.1 to 4 s, the other 0 to 2 s, in units of 10 ms.
            wait = (210 + self._core.below(191) if self._owns_call_id else self._core.below(201)) / 100
            self._retry = self._core.timers.after(wait, self._reoffer_again, now)
        elif status in {408, 481} or response is None:
            self._lost(status, response, now)
        elif status == 422 and timer is not None and timer.raise_to(min_se(response)):
            self._try_reoffer(now)
        else:
            if change.refresh and timer is not None:
                timer.again(now)
            self._over_with(change, now, partial(self._tell_refused, status))

    def _over_with(self, change: _Change, now: float, tell: Callable[[], None]) -> None:
        """Go on after a change of ours: tell how it ended unless it was a refresh, then what waited."""
        self._reoffer, waiting, self._waiting = None, self._waiting, None
        if not change.refresh:
            tell()
        if waiting is not None and self.state == "confirmed":
            self._begin(waiting, now)
        else:
            self._try_reoffer(now)

    def _reoffer_again(self, now: float) -> None:
        self._retry = None
        self._try_reoffer(now)

    def _reoffer_timeout(self, now: float) -> None:
        transaction = self._sending
        if transaction is not None:
            self._core.layer.abandon(transaction, now)
            if self._reoffer_over():
                self._lost(408, None, now)

    def _reoffer_over(self) -> bool:
        """Note that no re-offer is on its way; False when it no longer matters to anybody."""
        self._sending = None
        if self._reoffer_limit is not None:
            self._core.timers.cancel(self._reoffer_limit)
            self._reoffer_limit = None
        return self._reoffer is not None and self.state == "confirmed"
