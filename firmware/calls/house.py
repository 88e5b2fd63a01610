"""What a call finds in the house: phones, media, the journal, the clock, the site's settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from firmware.calls.decisions import Decision, Decisions, Matter
from firmware.calls.lamps import Lamps
from firmware.calls.leg import Dialer
from firmware.calls.meetings import Meetings
from firmware.calls.money import Purses
from firmware.calls.outside import Lines
from firmware.calls.rings import Present, Rings, Slots
from firmware.calls.traffic import Traffic
from firmware.clock import Clock
from firmware.journal import Journal
from firmware.media import Description, Offers, Side, Sound
from firmware.store.model import Occasion

if TYPE_CHECKING:
    from firmware.calls.call import Call
    from firmware.calls.help import Alarm


class Bridge(Protocol):
    """The media of one call; `firmware.media.Bridge` is one. Descriptions of no use raise NotAcceptable."""

    on_timeout: Callable[[Side], None] | None
    """Called when a side that should send has been silent too long."""

    call: str
    """The id of the call, for whoever is told about its media."""

    music: bool
    """Who is held may hear music of the box."""

    def offers(self, side: Side, description: Description, *, sole: bool = False) -> Offers:
        """Take the offer of one side that begins a call, return what phones get; `sole`: just one does."""

    def offer(self, side: Side, description: Description) -> Description:
        """Take the offer of one side, return the one for the other. Nothing changes until it is answered."""

    def answer(self, side: Side, description: Description) -> Description:
        """Take the answer of one side, return the answer for the other, and let media flow like that."""

    def hush(self, description: Description) -> Description:
        """Take the caller's offer ourselves, with nothing to send or to hear; return the answer to it."""

    def silent(self, description: Description) -> Description:
        """Return a description as of somebody who neither sends nor hears; nothing changes by it."""

    def pause(self, side: Side, description: Description) -> Description:
        """Answer the offer of somebody new on a side, for now without media: the next offer brings it."""

    def close(self) -> None:
        """Stop media and free the ports. Idempotent."""


class Place(Protocol):
    """The box as the other end of a far end; `firmware.media.Place` is one."""

    room: int
    on_seated: Callable[[], None] | None
    """Called once, when a far end can hear."""
    on_digit: Callable[[str], None] | None
    on_speaker: Callable[[], None] | None
    """Called when it becomes the loudest in its room."""

    def answer(self, offer: Description, wanted: str = "sendrecv") -> Description:
        """Return the answer to an offer."""

    def offer(self, wanted: str = "sendrecv") -> Description:
        """Return an offer."""

    def move(self, room: int, flags: int = 0) -> None:
        """Sit in another room."""

    def has(self, sound: Sound) -> bool:
        """Tell whether there is such a sound."""

    def play(
        self, sounds: Sequence[Sound], *, loop: bool = False, done: Callable[[], None] | None = None
    ) -> None:
        """Play to the far end; `done` is called when it is over."""

    def play_to_all(self, sounds: Sequence[Sound]) -> None:
        """Play to everybody in the room."""


class Media(Protocol):
    """Where bridges come from; `firmware.media.Media` is one."""

    def place(self, room: int = 0, flags: int = 0) -> Place:
        """Return a place in a room, in a new one where none is named."""

    def crowded(self, share: float) -> bool:
        """Tell whether more than this share of its ports is in use, or rests after use."""

    def open(self, *, urgent: bool = False) -> Bridge:
        """Take ports, where it is `urgent` also such that should rest after a call; raises NoPorts."""


class Preferences(Protocol):
    """Where people's wishes are kept. What cannot be kept raises OperatorError."""

    async def forward(self, extension: str, occasion: Occasion, target: str | None) -> None:
        """Send an extension's calls elsewhere on one occasion, no longer where `target` is None."""

    async def disturb(self, extension: str, *, allowed: bool) -> None:
        """Set whether an extension's phones may ring."""

    async def wait(self, extension: str, *, allowed: bool) -> None:
        """Set whether a second call reaches an extension that talks (call waiting)."""


class Circle(Enum):
    """Whom a feature between extensions is for."""

    OFF = "off"
    GROUP = "group"  # those who are in one ring group
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Settings:
    """The site's word on calls. A running call keeps the one it started with.

    `pickup`: whose calls one may pick up. `intercom`: whose phones one may make answer by themselves.
    `park_seconds`: how long somebody is parked until who parked them is called. `language`: of what is said.
    `announce`: callers in the house hear why a call is refused.
    """

    ring_seconds: float = 30.0
    max_calls: int = 200
    pickup: Circle = Circle.GROUP
    intercom: Circle = Circle.ALL
    park_seconds: float = 120.0
    language: str = "en"
    announce: bool = False


@dataclass(slots=True)
class House:
    """All of it together, one object for every call."""

    tenant: str
    dialer: Dialer
    media: Media
    journal: Journal
    clock: Clock
    settings: Settings
    preferences: Preferences | None = None
    lamps: Lamps = field(default_factory=Lamps)
    lines: Lines | None = None
    rings: Rings = field(default_factory=Rings)
    slots: Slots = field(default_factory=Slots)
    present: Present = field(default_factory=Present)
    meetings: Meetings = field(init=False)
    alarm: Callable[["Alarm"], None] | None = None
    """Tells people in the house of a call for help; it has gone out by then."""
    youngest: Callable[[], "Call | None"] | None = None
    """Finds the call that makes way first when help needs ports."""
    traffic: Traffic = field(init=False)
    purses: Purses = field(init=False)
    decisions: Decisions = field(init=False)

    def __post_init__(self) -> None:
        self.traffic = Traffic(self.clock.now)
        self.meetings = Meetings()
        self.purses = Purses()
        self.decisions = Decisions(self.clock.wall, self.clock.now)

    def take_back(self, number: int) -> Decision | None:
        """Take a decision of ours back, by its number; None if there is none."""
        found = self.decisions.take_back(number)
        if found is not None and found.matter is Matter.MONEY:
            self.purses.forget(found.who)
        if found is not None and found.matter is Matter.CALLS:
            self.traffic.forget(found.who)
        return found
