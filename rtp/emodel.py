"""How good a call is: the E-model (ITU-T G.107), from delay, loss and codec to a rating and a MOS.

R = Ro - Is - Id - Ie,eff, all inputs but those three at the default values of G.107 table 2. That is an
estimate for planning, made from what the network did; nobody listened. The scale is the narrow-band one,
whatever the codec: G.113 gives it no impairment factors for G.722 and Opus, so these count as G.711 with
concealment, and the wider band is not rewarded (the wideband scale of G.107.1 cannot be compared with it).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log2, log10, pow, sqrt

BEST = 93.2
"""R of G.107's default values: no delay, no loss, no codec impairment (G.107 7.7)."""
FRAME = 20.0
"""Milliseconds of sound in a packet."""

_NO = -61.18  # dBm0p: total noise power of the default values
_RLR, _TELR, _WEPL = 2.0, 65.0, 110.0  # loudness rating of receiving, of talker echo; echo path loss
_RO = 15.0 - 1.5 * (8.0 + _NO)  # basic signal-to-noise ratio, with a send loudness rating of 8


@dataclass(frozen=True, slots=True)
class Impairment:
    """What a codec costs: Ie by itself, Bpl its robustness against lost packets (G.113 Appendix I)."""

    ie: float
    bpl: float


CONCEALED = Impairment(0.0, 25.1)
"""G.711 with concealment of lost packets (G.711 Appendix I), which phones of today do."""
BARE = Impairment(0.0, 4.3)
"""G.711 that plays silence for what is lost."""
CODECS = dict.fromkeys(("pcmu", "pcma", "g722", "opus", "l16"), CONCEALED)


@dataclass(frozen=True, slots=True)
class Path:
    """One direction of a call from mouth to ear.

    `loss`: part of the packets that was not played, 0 to 1. `burst`: how much longer losses last than if
    they were random (BurstR), 1 and up. `delay`: milliseconds from mouth to ear.
    """

    loss: float = 0.0
    delay: float = 0.0
    burst: float = 1.0


def rating(path: Path, codec: Impairment = CONCEALED) -> float:
    """Return the transmission rating R, 0 to 100."""
    loss = 100.0 * min(1.0, max(0.0, path.loss))
    equipment = codec.ie + (95.0 - codec.ie) * loss / (loss / max(1.0, path.burst) + codec.bpl)  # 7.5
    rated = BEST + _listener_echo(0.0) - _delay(max(0.0, path.delay)) - equipment
    return min(100.0, max(0.0, rated))


def mos(rated: float) -> float:
    """Return the mean opinion score, 1 to 4.5, that goes with a rating (Annex B)."""
    if rated <= 0:
        return 1.0
    if rated >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * rated + rated * (rated - 60) * (100 - rated) * 7e-6)


def mouth_to_ear(network: float, jitter: float, within: float = 0.0) -> float:
    """Return milliseconds from mouth to ear.

    `network`: one way, from phone to phone. `jitter`: as the hearing end has it; a buffer of twice that is
    assumed, one packet at least, unless the end has said how long sound stays `within` it (RFC 3611).
    """
    return network + FRAME + (within or max(FRAME, 2 * jitter))


def _delay(ta: float) -> float:
    """Return Id: talker echo, listener echo and plain slowness, for one way of `ta` milliseconds (7.4)."""
    return _talker_echo(ta) + _listener_echo(2 * ta) + _slowness(ta)


def _talker_echo(t: float) -> float:
    audible = _TELR - 40 * log10((1 + t / 10) / (1 + t / 150)) + 6 * exp(-0.3 * t * t)
    half = (-1.5 * (_NO - _RLR) - (80 + 2.5 * (audible - 14))) / 2
    return (half + sqrt(half * half + 100) - 1) * (1 - exp(-t))


def _listener_echo(tr: float) -> float:
    half = (_RO - 10.5 * (_WEPL + 7) * sqrt(sqrt(1 / (tr + 1)))) / 2
    return half + sqrt(half * half + 169)


def _slowness(ta: float) -> float:
    if ta <= 100:
        return 0.0
    x = log2(ta / 100)
    return 25 * (pow(1 + x**6, 1 / 6) - 3 * pow(1 + (x / 3) ** 6, 1 / 6) + 2)
