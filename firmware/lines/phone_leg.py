"""A phone that is called, by one of the flows it registered at a time (RFC 5626 5.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from firmware.calls.leg import Party
from firmware.lines.sip_leg import Now, OutgoingLeg
from firmware.media import Offers
from sip.listener import End
from sip.registrar import Binding
from sip.session import Session
from sip.uac import UacSession

FLOW_FAILED = 430
"""A proxy's word that the flow behind it is gone (RFC 5626 11.5)."""

Begin = Callable[[OutgoingLeg, Binding, float], UacSession]


class PhoneLeg(OutgoingLeg):
    """Tries the next flow of the same phone where one is gone; `begin` sends the INVITE on one of `ways`."""

    __slots__ = ("_begin", "_way", "_ways")

    def __init__(
        self,
        leg_id: str,
        party: Party,
        now: Now,
        *,
        offers: Offers | None,
        begin: Begin,
        ways: Sequence[Binding],
    ) -> None:
        super().__init__(leg_id, party, now, offers=offers)
        self._begin = begin
        self._ways = list(ways)
        self._way = self._ways[0]

    def next(self, now: float) -> None:
        """Send the INVITE on the next flow, of which there must be one."""
        self._way = self._ways.pop(0)
        offers = self._offers
        if offers is not None and offers.linked is not None and (offers.every or _browser(self._way)):
            self.invited = offers.linked()
        self.calling(self._begin(self, self._way, now))

    def ended(self, session: Session, end: End) -> None:
        """Try the next flow where this one has failed, another offer, or pass on why the call ended."""
        failed = end.why == "transport" or (end.why == "rejected" and end.status == FLOW_FAILED)
        if failed and self._ways and not self._up and not self.over:
            self.next(self._now())
        elif end.why == "rejected" and self.other_form(end):
            self.calling(self._begin(self, self._way, self._now()))
        else:
            super().ended(session, end)


def _browser(way: Binding) -> bool:
    """Whether a phone speaks SIP over WebSocket: then its media is that of browsers (RFC 8827 6.5)."""
    return way.flow.transport in {"WS", "WSS"}
