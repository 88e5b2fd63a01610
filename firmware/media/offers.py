"""What phones that are called are offered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sip.sdp import SessionDescription


@dataclass(frozen=True, slots=True)
class Offers:
    """One session to be offered to several phones; where it has keys of ours, each phone gets its own.

    `another()` is for one more phone. `instead(of)` is for a phone to which `of` is not acceptable (488),
    None when there is nothing else. `linked()` is for a phone
    that shakes hands (DTLS-SRTP); None where nobody may,
    `every`: it is for every phone, not for those in browsers alone.
    """

    another: Callable[[], SessionDescription]
    instead: Callable[[SessionDescription], SessionDescription | None]
    linked: Callable[[], SessionDescription] | None = None
    every: bool = False

    @classmethod
    def same(cls, description: SessionDescription) -> Offers:
        """One description for all."""
        return cls(lambda: description, lambda _: None)
