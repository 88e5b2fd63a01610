"""`BoxLeg`: the box itself at an end of a call, sitting in a room of the media process.

It is a leg like any other, so holding, transfers and `Replaces` work as they do between two phones: the other
party of the call is given the descriptions of a place (`firmware.media.place`), and the bridge seats them.
"""

from collections.abc import Callable

from firmware.calls.call import Call
from firmware.calls.cause import Cause
from firmware.calls.house import Place
from firmware.calls.leg import Ended, Leg, Party
from firmware.media import Description
from firmware.store.model import new_id


class BoxLeg(Leg):
    """The box as an end of a call.

    `on_start()` is called when the other end can hear, `on_key(key)` for each key it presses, and `on_end()`
    once, when it is over.
    """

    __slots__ = ("on_end", "on_key", "on_start", "place")

    def __init__(self, place: Place, party: Party) -> None:
        super().__init__(new_id(), party)
        self.place = place
        self.on_start: Callable[[], None] | None = None
        self.on_key: Callable[[str], None] | None = None
        self.on_end: Callable[[], None] | None = None
        place.on_seated = self._started
        place.on_digit = self._pressed

    @property
    def guest(self) -> Party | None:
        """Who is at the other end; None while that changes."""
        table = self.owner.table if isinstance(self.owner, Call) else None
        other = None if table is None else table.other(self)
        return None if other is None else other.party

    def leave(self, cause: Cause = Cause.NORMAL) -> None:
        """End the call on the box's side."""
        if not self.over:
            self.emit(Ended(cause, far=False))
            self._gone()

    def _started(self) -> None:
        if not self.over and self.on_start is not None:
            self.on_start()

    def _pressed(self, key: str) -> None:
        if not self.over and self.on_key is not None:
            self.on_key(key)

    def _gone(self) -> None:
        on_end, self.on_start, self.on_key, self.on_end = self.on_end, None, None, None
        self.place.on_seated = self.place.on_digit = self.place.on_speaker = None
        if on_end is not None:
            on_end()

    def send_hangup(self, cause: Cause) -> None:
        """Let go of the place."""
        del cause
        self._gone()

    async def offer(self, offer: Description) -> Description:
        """Take an offer."""
        return self.place.answer(offer)

    async def ask(self) -> Description:
        """Offer what the box has."""
        return self.place.offer()

    def accept(self, answer: Description) -> None:
        """Do nothing: the bridge knows."""

    def ring(self) -> None:
        """Do nothing: the box does not call."""

    def early_media(self, answer: Description) -> None:
        """Do nothing: the box does not call."""

    def answer(self, answer: Description) -> None:
        """Do nothing: the box does not call."""

    def refuse(self, cause: Cause) -> None:
        """Do nothing: the box wants no change."""
