"""Star codes: features a phone reaches by dialling; the site says which code is which."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Feature(Enum):
    """What can be dialled; the values are the names the site file uses."""

    FORWARD_ALWAYS = "forward_always"
    FORWARD_ALWAYS_OFF = "forward_always_off"
    FORWARD_BUSY = "forward_busy"
    FORWARD_BUSY_OFF = "forward_busy_off"
    FORWARD_NO_ANSWER = "forward_no_answer"
    FORWARD_NO_ANSWER_OFF = "forward_no_answer_off"
    FORWARD_UNREACHABLE = "forward_unreachable"
    FORWARD_UNREACHABLE_OFF = "forward_unreachable_off"
    DND = "dnd"
    DND_OFF = "dnd_off"
    WITHHOLD = "withhold"
    SHOW = "show"
    CALL_WAITING = "call_waiting"
    CALL_WAITING_OFF = "call_waiting_off"
    PICKUP = "pickup"
    PARK = "park"
    INTERCOM = "intercom"
    PAGE = "page"
    ECHO = "echo"
    NUMBER = "number"
    MEET = "meet"


WITH_NUMBER = frozenset(
    {
        Feature.FORWARD_ALWAYS,
        Feature.FORWARD_BUSY,
        Feature.FORWARD_NO_ANSWER,
        Feature.FORWARD_UNREACHABLE,
        Feature.WITHHOLD,
        Feature.SHOW,
        Feature.PICKUP,
        Feature.INTERCOM,
        Feature.PAGE,
    }
)
"""Codes that a number follows, as in *72102; a * between the two and a # at the end are taken too."""


@dataclass(frozen=True, slots=True)
class Service:
    """A code that was dialled, and the number behind it ("" for codes that take none)."""

    feature: Feature
    number: str = ""


class Codes:
    """The codes of a site; an empty code switches its feature off."""

    __slots__ = ("_alone", "_leading")

    def __init__(self, codes: Mapping[Feature, str]) -> None:
        given = {code: feature for feature, code in codes.items() if code}
        self._alone = {code: feature for code, feature in given.items() if feature not in WITH_NUMBER}
        self._leading = {code: feature for code, feature in given.items() if feature in WITH_NUMBER}

    def find(self, dialled: str) -> Service | None:
        """Return what a dialled text asks for, None if it is no code."""
        feature = self._alone.get(dialled) or self._alone.get(dialled.removesuffix("#"))
        if feature is not None:
            return Service(feature)
        for code, feature in self._leading.items():
            if dialled.startswith(code):
                return Service(feature, dialled[len(code) :].removeprefix("*").removesuffix("#"))
        return None
