"""What a carrier's refusal means: the line's failure, so that the next line is tried, or the callee's word.

The Q.850 cause in a Reason header (RFC 3326, 6432) is nearer to the truth than the status it became.
"""

from __future__ import annotations

import re
from typing import Final

from firmware.calls.cause import Cause
from sip.listener import End
from sip.message import Response

_Q850: Final = {
    1: Cause.UNKNOWN_NUMBER, 2: Cause.NO_LINE, 3: Cause.UNKNOWN_NUMBER, 16: Cause.NORMAL, 17: Cause.BUSY,
    18: Cause.NO_ANSWER, 19: Cause.NO_ANSWER, 20: Cause.UNREACHABLE, 21: Cause.REJECTED,
    22: Cause.UNKNOWN_NUMBER, 27: Cause.UNREACHABLE, 28: Cause.UNKNOWN_NUMBER, 34: Cause.NO_LINE,
    38: Cause.NO_LINE, 41: Cause.NO_LINE, 42: Cause.NO_LINE, 44: Cause.NO_LINE, 47: Cause.NO_LINE,
    50: Cause.NO_LINE, 52: Cause.NO_LINE,
}  # fmt: skip

_STATUSES: Final = {
    404: Cause.UNKNOWN_NUMBER,
    406: Cause.NOT_ACCEPTABLE,
    410: Cause.UNKNOWN_NUMBER,
    415: Cause.NOT_ACCEPTABLE,
    416: Cause.UNKNOWN_NUMBER,
    433: Cause.REJECTED,
    480: Cause.NO_ANSWER,
    484: Cause.UNKNOWN_NUMBER,
    486: Cause.BUSY,
    487: Cause.NO_ANSWER,
    488: Cause.NOT_ACCEPTABLE,
    600: Cause.BUSY,
    603: Cause.REJECTED,
    604: Cause.UNKNOWN_NUMBER,
    606: Cause.NOT_ACCEPTABLE,
    607: Cause.REJECTED,
    608: Cause.REJECTED,
}

_reason: Final = re.compile(
    r"[Qq]\.850[ \t]*;(?:[^,]*;)?[ \t]*cause[ \t]*=[ \t]*([0-9]{1,3})(?![0-9])"
).search
_ELSEWHERE: Final = frozenset({408, 500, 502, 503, 504})


def line_cause(end: End, *, rang: bool) -> Cause:
    """Return why a call that was not answered ended; `rang`: somebody was found before.

    Everything that is not the word of whoever was called is NO_LINE: no credentials, no credit, no circuit,
    no server, a request the carrier does not understand, one it wants sent elsewhere.
    """
    if end.why == "protocol":
        return Cause.NOT_ACCEPTABLE
    if end.why != "rejected":
        return Cause.NO_ANSWER if rang and end.why == "timeout" else Cause.NO_LINE
    told = _told(end.response)
    if told is not None:
        return told
    if rang and end.status in {403, 408, 500, 502, 503, 504}:
        return Cause.REJECTED if end.status == 403 else Cause.NO_ANSWER
    return _STATUSES.get(end.status, Cause.NO_LINE)


def may_try_next(end: End) -> bool:
    """Whether another server of the same carrier may do better (RFC 3263 4.3; 503, 408 and their kin)."""
    if end.why in {"timeout", "transport"}:
        return True
    return end.why == "rejected" and end.status in _ELSEWHERE and _told(end.response) in {None, Cause.NO_LINE}


def _told(response: Response | None) -> Cause | None:
    if response is None:
        return None
    for value in response.all("Reason"):
        match = _reason(value)
        if match is not None:
            return _Q850.get(int(match[1]))
    return None
