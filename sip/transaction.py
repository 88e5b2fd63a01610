"""The four transaction machines of RFC 3261 section 17, with the Accepted states of RFC 6026, as tables.

A row says: in this state, at this event, go to that state and do these things, because of this section.
Whatever has no row changes nothing. A machine has no clock and no socket: `feed(event, now)` returns
effects, and the layer carries them out in order. A Send always stands before a SetTimer, and Done before
Up, so that a callback already finds the tables as they will stay.

Events of clients: "start", "1xx", "2xx", "final" (300 to 699; for non-INVITE "2xx" too), "timer X",
"error", "abandon". Events of servers: "request" (a repeat), "ack", "send 1xx", "send 2xx", "send final",
"timer X", "error".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from sip.flow import Flow
    from sip.message import Request, Response
    from sip.timers import Timer

T1: Final = 0.5
"""Estimated round trip, seconds (RFC 3261 17.1.1.1)."""
T2: Final = 4.0
"""Longest interval between repeats of a non-INVITE request or an INVITE response (17.1.2.1)."""
T4: Final = 5.0
"""How long a message may stay in the network (17.1.2.1)."""
LIFETIME: Final = 64 * T1
"""Timers B, F, H, J, L and M."""


class Send(NamedTuple):
    """Put these bytes on the transaction's flow."""

    data: bytes


class SetTimer(NamedTuple):
    """Feed "timer NAME" at the time `at`."""

    name: str
    at: float


class ClearTimer(NamedTuple):
    """Forget the timer NAME, if it is set."""

    name: str


class Up(NamedTuple):
    """Tell the transaction's user: a message (event "response", "ack") or its lack ("timeout", "error")."""

    event: str
    message: Request | Response | None


class Done(NamedTuple):
    """The machine has terminated; forget it."""


Effect = Send | SetTimer | ClearTimer | Up | Done
_DONE = Done()


class Row(NamedTuple):
    """One line of a table."""

    state: str
    actions: tuple[tuple[str, str], ...]
    section: str


Table = dict[tuple[str, str], Row]


def _table(*rows: tuple[str, str, str, str, str]) -> Table:
    """Read rows of (state, event, next state, "action, action", section)."""
    table: Table = {}
    for state, event, after, actions, section in rows:
        if (state, event) in table:
            raise ValueError(f"two rows for {state} / {event}")
        steps = [step.strip().partition(" ") for step in actions.split(",") if step.strip()]
        table[state, event] = Row(after, tuple((verb, name) for verb, _, name in steps), section)
    return table


# Actions: send (and remember) the payload; resend what was sent last; ack (make and send the payload's ACK);
# set / clear / grow a timer (grow: the next interval of a repeat); up NAME; done.
# fmt: off
INVITE_CLIENT: Final = _table(
    # state        event        next          actions                                      section
    ("init",       "start",     "calling",    "send, set A, set B",                        "17.1.1.2"),
    ("calling",    "timer A",   "calling",    "resend, grow A",                            "17.1.1.2"),
    ("calling",    "timer B",   "terminated", "clear A, done, up timeout",                 "17.1.1.2"),
    ("calling",    "1xx",       "proceeding", "clear A, clear B, up response",             "17.1.1.2"),
    ("calling",    "2xx",       "accepted",   "clear A, clear B, set M, up response",      "6026 7.2"),
    ("calling",    "final",     "completed",  "ack, clear A, clear B, set D, up response", "17.1.1.2"),
    ("calling",    "error",     "terminated", "clear A, clear B, done, up error",          "17.1.1.2"),
    ("calling",    "abandon",   "terminated", "clear A, clear B, done",                    "9.1"),
    ("proceeding", "1xx",       "proceeding", "up response",                               "17.1.1.2"),
    ("proceeding", "2xx",       "accepted",   "set M, up response",                        "6026 7.2"),
    ("proceeding", "final",     "completed",  "ack, set D, up response",                   "17.1.1.2"),
    ("proceeding", "error",     "terminated", "done, up error",                            "17.1.4"),
    ("proceeding", "abandon",   "terminated", "done",                                      "9.1"),
    ("completed",  "final",     "completed",  "resend",                                    "17.1.1.2"),
    ("completed",  "timer D",   "terminated", "done",                                      "17.1.1.2"),
    ("completed",  "error",     "terminated", "done, up error",                            "17.1.1.2"),
    ("accepted",   "2xx",       "accepted",   "up response",                               "6026 7.2"),
    ("accepted",   "timer M",   "terminated", "done",                                      "6026 7.2"),
)

NON_INVITE_CLIENT: Final = _table(
    ("init",       "start",     "trying",     "send, set E, set F",                        "17.1.2.2"),
    ("trying",     "timer E",   "trying",     "resend, grow E",                            "17.1.2.2"),
    ("trying",     "timer F",   "terminated", "clear E, done, up timeout",                 "17.1.2.2"),
    ("trying",     "1xx",       "proceeding", "up response",                               "17.1.2.2"),
    ("trying",     "2xx",       "completed",  "clear E, clear F, set K, up response",      "17.1.2.2"),
    ("trying",     "final",     "completed",  "clear E, clear F, set K, up response",      "17.1.2.2"),
    ("trying",     "error",     "terminated", "clear E, clear F, done, up error",          "17.1.2.2"),
    ("proceeding", "timer E",   "proceeding", "resend, slow E",                            "17.1.2.2"),
    ("proceeding", "timer F",   "terminated", "clear E, done, up timeout",                 "17.1.2.2"),
    ("proceeding", "1xx",       "proceeding", "up response",                               "17.1.2.2"),
    ("proceeding", "2xx",       "completed",  "clear E, clear F, set K, up response",      "17.1.2.2"),
    ("proceeding", "final",     "completed",  "clear E, clear F, set K, up response",      "17.1.2.2"),
    ("proceeding", "error",     "terminated", "clear E, clear F, done, up error",          "17.1.2.2"),
    ("completed",  "timer K",   "terminated", "done",                                      "17.1.2.2"),
)

INVITE_SERVER: Final = _table(
    ("init",       "start",     "proceeding", "",                                          "17.2.1"),
    ("proceeding", "request",   "proceeding", "resend",                                    "17.2.1"),
    ("proceeding", "send 1xx",  "proceeding", "send",                                      "17.2.1"),
    ("proceeding", "send 2xx",  "accepted",   "send, set L",                               "6026 7.1"),
    ("proceeding", "send final", "completed", "send, set G, set H",                        "17.2.1"),
    ("proceeding", "error",     "terminated", "done, up error",                            "17.2.4"),
    ("completed",  "request",   "completed",  "resend",                                    "17.2.1"),
    ("completed",  "timer G",   "completed",  "resend, grow G",                            "17.2.1"),
    ("completed",  "timer H",   "terminated", "clear G, done, up timeout",                 "17.2.1"),
    ("completed",  "ack",       "confirmed",  "clear G, clear H, set I",                   "17.2.1"),
    ("completed",  "error",     "terminated", "clear G, clear H, done, up error",          "17.2.4"),
    ("confirmed",  "ack",       "confirmed",  "",                                          "17.2.1"),
    ("confirmed",  "timer I",   "terminated", "done",                                      "17.2.1"),
    ("accepted",   "request",   "accepted",   "",                                          "6026 7.1"),
    ("accepted",   "ack",       "accepted",   "up ack",                                    "6026 7.1"),
    ("accepted",   "send 2xx",  "accepted",   "send",                                      "6026 7.1"),
    ("accepted",   "error",     "accepted",   "up error",                                  "6026 7.1"),
    ("accepted",   "timer L",   "terminated", "done",                                      "6026 7.1"),
)

NON_INVITE_SERVER: Final = _table(
    ("init",       "start",     "trying",     "",                                          "17.2.2"),
    ("trying",     "request",   "trying",     "",                                          "17.2.2"),
    ("trying",     "send 1xx",  "proceeding", "send",                                      "17.2.2"),
    ("trying",     "send 2xx",  "completed",  "send, set J",                               "17.2.2"),
    ("trying",     "send final", "completed", "send, set J",                               "17.2.2"),
    ("trying",     "error",     "terminated", "done, up error",                            "17.2.4"),
    ("proceeding", "request",   "proceeding", "resend",                                    "17.2.2"),
    ("proceeding", "send 1xx",  "proceeding", "send",                                      "17.2.2"),
    ("proceeding", "send 2xx",  "completed",  "send, set J",                               "17.2.2"),
    ("proceeding", "send final", "completed", "send, set J",                               "17.2.2"),
    ("proceeding", "error",     "terminated", "done, up error",                            "17.2.4"),
    ("completed",  "request",   "completed",  "resend",                                    "17.2.2"),
    ("completed",  "error",     "terminated", "done, up error",                            "17.2.4"),
    ("completed",  "timer J",   "terminated", "done",                                      "17.2.2"),
)
# fmt: on

REPEATING: Final = frozenset("AEG")
"""Timers of repeats: unreliable transports only."""
LASTING: Final = {"D": 32.0, "I": T4, "J": LIFETIME, "K": T4, "L": LIFETIME, "M": LIFETIME}
"""Timers of the last state. All but L and M are zero on a reliable transport, where nothing comes twice."""
_ON_STREAMS_TOO: Final = frozenset("LM")


class Transaction:
    """One machine at work, and what the layer keeps beside it.

    The machine itself is `table`, `state`, `reliable`, `interval` and `last` (the bytes sent last).
    `request` (clients) and `owner` are dropped as soon as a final answer has passed, so that what lingers
    is a key and bytes.
    """

    __slots__ = (
        "flow",
        "interval",
        "key",
        "last",
        "limit",
        "merge_key",
        "owner",
        "reliable",
        "repeat",
        "request",
        "state",
        "table",
    )

    def __init__(self, table: Table, key: str, flow: Flow) -> None:
        self.table = table
        self.state = "init"
        self.reliable = flow.reliable
        self.interval = T1
        self.last = b""
        self.key = key
        self.flow = flow
        self.merge_key = ""
        self.owner: Any = None
        self.request: Request | None = None
        self.repeat: Timer | None = None
        self.limit: Timer | None = None

    def restart(self, flow: Flow) -> None:
        """Be as new, for another flow; timers are the layer's matter."""
        self.state = "init"
        self.flow = flow
        self.reliable = flow.reliable
        self.interval = T1

    def feed(self, event: str, now: float, payload: Any = None) -> list[Effect]:
        """Take one event; `payload` is the bytes to send or the message that came. Return what to do."""
        row = self.table.get((self.state, event))
        if row is None:
            return []
        self.state = row.state
        effects: list[Effect] = []
        for verb, name in row.actions:
            if verb == "send":
                self.last = payload
                effects.append(Send(payload))
            elif verb == "resend":
                if self.last:
                    effects.append(Send(self.last))
            elif verb == "up":
                effects.append(Up(name, payload if name in {"response", "ack"} else None))
            elif verb == "clear":
                if not (self.reliable and name in REPEATING):
                    effects.append(ClearTimer(name))
            elif verb == "done":
                effects.append(_DONE)
            elif verb == "ack":
                if self.request is not None:
                    self.last = bytes(make_ack(self.request, payload))
                    effects.append(Send(self.last))
            else:
                self._set(verb, name, now, effects)
        return effects

    def _set(self, verb: str, name: str, now: float, effects: list[Effect]) -> None:
        """Set a timer: for the first time, grown (doubled, but for A at most T2) or slow (T2)."""
        lasting = LASTING.get(name)
        if lasting is not None:
            if self.reliable and name not in _ON_STREAMS_TOO:
                self.state = "terminated"
                effects.append(_DONE)
            else:
                effects.append(SetTimer(name, now + lasting))
            return
        if name not in REPEATING:
            effects.append(SetTimer(name, now + LIFETIME))
            return
        if self.reliable:
            return
        if verb == "grow":
            self.interval = self.interval * 2 if name == "A" else min(self.interval * 2, T2)
        elif verb == "slow":
            self.interval = T2
        effects.append(SetTimer(name, now + self.interval))


def make_ack(request: Request, response: Response) -> Request:
    """Make the ACK of a non-2xx: same branch, URI, Route, From, Call-ID, CSeq number (RFC 3261 17.1.1.3)."""
    return _same_branch("ACK", request, response.get("To") or request.get("To") or "")


def make_cancel(request: Request) -> Request:
    """Make the CANCEL of a pending INVITE (RFC 3261 9.1)."""
    return _same_branch("CANCEL", request, request.get("To") or "")


def _same_branch(method: str, request: Request, to: str) -> Request:
    headers = [
        ("Via", request.all("Via")[0]),
        ("Max-Forwards", "70"),
        ("From", request.get("From") or ""),
        ("To", to),
        ("Call-ID", request.call_id),
        ("CSeq", f"{request.cseq_number} {method}"),
    ]
    headers.extend(("Route", route) for route in request.all("Route"))
    return type(request).new(method, request.uri, headers)
