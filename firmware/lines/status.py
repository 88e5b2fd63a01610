"""Causes and SIP statuses, both ways, and the Reason header (RFC 3261 21, RFC 3326, RFC 4497 8.4)."""

from __future__ import annotations

from typing import Final, NamedTuple

from firmware.calls.cause import Cause
from sip.listener import End

RETRY_SECONDS: Final = 5


class Goodbye(NamedTuple):
    """How to end a session: the status of a final answer, and headers for that, BYE or CANCEL."""

    status: int
    headers: tuple[tuple[str, str], ...]


# Cause: status, Q.850 cause and what that one is called.
_TABLE: Final = {
    Cause.NORMAL: (480, 16, "Normal call clearing"),
    Cause.BUSY: (486, 17, "User busy"),
    Cause.NO_ANSWER: (480, 19, "No answer from user"),
    Cause.REJECTED: (603, 21, "Call rejected"),
    Cause.UNREACHABLE: (480, 20, "Subscriber absent"),
    Cause.UNKNOWN_NUMBER: (404, 1, "Unallocated number"),
    Cause.CANCELLED: (487, 16, "Normal call clearing"),
    Cause.NOT_ALLOWED: (403, 57, "Not authorized"),
    Cause.NOT_ACCEPTABLE: (488, 88, "Incompatible destination"),
    Cause.NO_LINE: (503, 34, "No circuit available"),
    Cause.CAPPED: (403, 29, "Facility rejected"),
    Cause.LOCKED: (403, 29, "Closed at this hour"),
    Cause.SPENT: (403, 29, "The money of the day is spent"),
    Cause.MADE_WAY: (480, 8, "Preemption"),
    Cause.MEDIA_TIMEOUT: (480, 102, "Recovery on timer expiry"),
    Cause.GLARE: (491, 41, "Temporary failure"),
    Cause.OVERLOAD: (503, 42, "Switching equipment congestion"),
    Cause.FAILED: (500, 41, "Temporary failure"),
    Cause.SHUTDOWN: (503, 41, "Temporary failure"),
}
_ELSEWHERE: Final = Goodbye(487, (("Reason", 'SIP;cause=200;text="Call completed elsewhere"'),))
_RETRY: Final = frozenset({Cause.OVERLOAD, Cause.SHUTDOWN})


def _goodbye(cause: Cause) -> Goodbye:
    if cause is Cause.ANSWERED_ELSEWHERE:
        return _ELSEWHERE
    status, number, text = _TABLE[cause]
    reason = ("Reason", f'Q.850;cause={number};text="{text}"')
    if cause in _RETRY:
        return Goodbye(status, (reason, ("Retry-After", str(RETRY_SECONDS))))
    return Goodbye(status, (reason,))


GOODBYES: Final = {cause: _goodbye(cause) for cause in Cause}
"""How each cause is said."""

_CAUSES: Final = {
    403: Cause.REJECTED,
    404: Cause.UNREACHABLE,  # the phone does not know itself by this contact any more
    406: Cause.NOT_ACCEPTABLE,
    408: Cause.NO_ANSWER,
    410: Cause.UNREACHABLE,
    415: Cause.NOT_ACCEPTABLE,
    430: Cause.UNREACHABLE,  # the flow to the phone is gone (RFC 5626 11.5)
    433: Cause.REJECTED,
    480: Cause.NO_ANSWER,
    484: Cause.UNREACHABLE,
    486: Cause.BUSY,
    488: Cause.NOT_ACCEPTABLE,
    491: Cause.GLARE,
    600: Cause.BUSY,
    603: Cause.REJECTED,
    604: Cause.UNREACHABLE,
    606: Cause.NOT_ACCEPTABLE,
}


def cause_of_status(status: int) -> Cause:
    """Return what a refusal of the far end means."""
    if 300 <= status < 400:
        return Cause.UNREACHABLE  # it sends us elsewhere; nobody is forwarded without the box's own rules
    return _CAUSES.get(status, Cause.FAILED)


def cause_of_end(end: End, *, answered: bool) -> Cause:
    """Return why a session ended."""
    match end.why:
        case "bye":
            return Cause.NORMAL
        case "cancelled":
            return Cause.CANCELLED
        case "rejected":
            return cause_of_status(end.status)
        case "protocol":
            return Cause.NOT_ACCEPTABLE
        case "transport":
            return Cause.UNREACHABLE
    return Cause.FAILED if answered else Cause.UNREACHABLE
