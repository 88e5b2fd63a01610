"""Which conferences there are just now: those in them, by the number of the room."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware.calls.meeting import Meeting

MOST = 32
"""Parties in one room, as many as the media process mixes (`rtp.room.PARTIES`)."""


class Meetings:
    """All of them; one ends with its last party."""

    __slots__ = ("_all",)

    def __init__(self) -> None:
        self._all: dict[str, Meeting] = {}

    def get(self, number: str) -> "Meeting | None":
        """Return the conference in a room, None where nobody is."""
        return self._all.get(number)

    def takes(self, number: str) -> bool:
        """Tell whether one more may come."""
        meeting = self._all.get(number)
        return meeting is None or (len(meeting.legs) < MOST and not meeting.locked)

    def put(self, meeting: "Meeting") -> None:
        """Note that a conference began."""
        self._all[meeting.number] = meeting

    def end(self, number: str) -> None:
        """Note that a conference ended."""
        self._all.pop(number, None)

    def all(self) -> "list[Meeting]":
        """Return them by number."""
        return [meeting for _, meeting in sorted(self._all.items())]
