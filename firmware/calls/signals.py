"""The tones the box itself makes: short, and told apart by their pitch and number."""

from firmware.media import Tone

BEEP = Tone("!0/300,!950/150")
JOINED = Tone("!600/120,!800/120")
LEFT = Tone("!800/120,!600/120")
SILENCED = Tone("!500/100,!350/150")
HEARD = Tone("!350/100,!500/150")
LOCKED = Tone("!1000/80,!0/60,!1000/80,!0/60,!600/200")
UNLOCKED = Tone("!600/80,!0/60,!600/80,!0/60,!1000/200")
ASK = Tone("!0/300,!1000/200,!0/100,!1000/200")
WRONG = Tone("!400/400")
INFORM = Tone("!950/330,!1400/330,!1800/330,!0/1000")
"""The special information tone of ITU-T E.180: what follows is no ringing."""
LEAD = Tone("!0/300")
"""Silence before something is said: a phone that has just answered swallows the first syllable."""


def counted(digit: str) -> Tone:
    """Return a digit as that many beeps, ten for 0, and a pause."""
    return Tone(",".join(["!440/120,!0/120"] * (int(digit) or 10)) + ",!0/500")
