"""What the box says by itself: an echo, so that a phone can be tried out; and what the caller's number is."""

from firmware.calls.box_leg import BoxLeg
from firmware.calls.house import House
from firmware.calls.leg import Leg, Party
from firmware.calls.signals import BEEP, LEAD, counted
from firmware.media import Prompt, Sound
from rtp import phrases
from rtp.seat import ECHO

YOUR_NUMBER = "your-number"
"""The prompt before the digits, as `<language>/your-number`."""


def echo(house: House, number: str) -> BoxLeg:
    """Return a box that beeps and then sends back whatever it hears."""
    leg = BoxLeg(house.media.place(0, ECHO), Party(None, number))
    leg.on_start = lambda: leg.place.play([BEEP])
    return leg


def own_number(house: House, caller: Leg) -> BoxLeg:
    """Return a box that tells the caller their extension's number and hangs up."""
    leg = BoxLeg(house.media.place(), Party(None, caller.dialled))

    def start() -> None:
        leg.place.play(_spoken(leg, caller.party.number, house.settings.language), done=leg.leave)

    leg.on_start = start
    return leg


def _spoken(leg: BoxLeg, number: str, language: str) -> list[Sound]:
    """Return the prompts of a number; where one of them is missing, its digits as beeps."""
    names = [f"{language}/{YOUR_NUMBER}", *phrases.digits(number, language)]
    prompts: list[Sound] = [Prompt(name) for name in names]
    if all(map(leg.place.has, prompts)):
        return [LEAD, *prompts]
    return [LEAD, *[counted(digit) for digit in number if digit in "0123456789"]]
