"""The two sides of a bridge."""

from __future__ import annotations

from typing import Literal

Side = Literal["caller", "callee"]
SIDES: tuple[Side, Side] = ("caller", "callee")


def other(side: Side) -> Side:
    """Return the side across."""
    return "callee" if side == "caller" else "caller"
