"""`Referral` over a REFER: causes for statuses in its NOTIFYs."""

from __future__ import annotations

from collections.abc import Callable

from firmware.calls.cause import Cause
from firmware.calls.leg import Leg
from firmware.lines.status import GOODBYES
from sip.transfer import Referral


class SipReferral:
    """A transfer that was accepted with 202; each word is a NOTIFY (see `firmware.calls.leg.Referral`)."""

    __slots__ = ("_now", "_referral", "consulted", "dialled")

    def __init__(self, referral: Referral, consulted: Leg | None, now: Callable[[], float]) -> None:
        self._referral = referral
        self._now = now
        self.consulted = consulted
        self.dialled = referral.target.user.partition(";")[0]

    def ringing(self) -> None:
        """Tell that it rings there."""
        self._referral.notify(180, self._now())

    def done(self) -> None:
        """Tell that it worked."""
        self._referral.notify(200, self._now())

    def failed(self, cause: Cause) -> None:
        """Tell that it did not work."""
        self._referral.notify(GOODBYES[cause].status, self._now())
