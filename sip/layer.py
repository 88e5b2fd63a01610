"""The transaction layer: which transaction a message belongs to, and carrying out what the machines say.

Server transactions are found by branch, sent-by and method (RFC 3261 17.2.3), or by the whole of what RFC
2543 had when the branch lacks the magic cookie. Client transactions are found by our own random branch and
the CSeq method. Both tables are bounded; what has had its final answer stays as a key and bytes until its
last timer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from sip.flow import Flow, bracketed
from sip.message import Request, Response
from sip.timers import Timers
from sip.transaction import (
    INVITE_CLIENT,
    INVITE_SERVER,
    LASTING,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    REPEATING,
    ClearTimer,
    Done,
    Effect,
    Send,
    SetTimer,
    Transaction,
    Up,
)
from sip.via import MAGIC
from sip.ways import LARGE, Ways, take


class Owner(Protocol):
    """The transaction's user: hears of responses, ACKs, timeouts and lost flows."""

    def __call__(
        self, transaction: Transaction, event: str, message: Request | Response | None, now: float, /
    ) -> None:
        """Hear `event` ("response", "ack", "timeout", "error") of `transaction`."""


def _serves(transaction: Transaction) -> bool:
    return transaction.table is INVITE_SERVER or transaction.table is NON_INVITE_SERVER


def server_key(request: Request, method: str) -> str:
    """Return the key of the server transaction `request` belongs to, were its method `method` (17.2.3)."""
    value = request.get("Via") or ""
    branch = request.branch
    if branch.startswith(MAGIC):
        # "SIP/2.0/UDP host:port;branch=...": sent-by stands between the blank and the first parameter.
        sent_by = value.partition(";")[0].rpartition(" ")[2].lower()
        return f"{branch} {sent_by} {method}"
    return f"{request.uri} {request.from_tag} {request.call_id} {request.cseq_number} {value} {method}"


def merge_key(request: Request) -> str:
    """Return what a request that took two ways to us has in common with its twin (8.2.2.2)."""
    return f"{request.from_tag} {request.call_id} {request.cseq_number} {request.method}"


def wants_rport(request: Request) -> bool:
    """Whether a request asks to be answered at the port it was sent from (RFC 3581 3)."""
    value = request.get("Via") or ""
    before, asked, after = value.partition(";rport")
    if asked and (not after or after[0] in ";=") and "," not in before and '"' not in before:
        return True  # what nearly every phone writes
    return "rport" in request.via.params


def reply_flow(request: Request, flow: Flow) -> Flow:
    """Return where responses go: the connection, received:rport or received:sent-by port (18.2.2)."""
    if flow.transport != "UDP" or wants_rport(request):
        return flow
    port = request.via.port or 5060
    return flow if port == flow.remote[1] else flow.to((flow.remote[0], port))


def stamp(request: Request, flow: Flow) -> None:
    """Leave in the top Via where the request came from (18.2.1, RFC 3581 4)."""
    host, port = flow.remote
    value = request.get("Via") or ""
    before, asked, after = value.partition(";rport")
    plain = not after or after[0] == ";"
    if asked and plain and not any(odd in value for odd in (",", '"', ";received")):
        # What nearly every phone writes; validation reads the outcome.
        request.replace_first("Via", f"{before};rport={port}{after};received={host}")
        return
    via = request.via
    stamped = via.stamped(host, port)
    if stamped is not via:
        request.replace_first("Via", str(stamped))


class Layer:
    """All transactions of one stack."""

    def __init__(
        self,
        send: Callable[[Flow, bytes], bool],
        timers: Timers,
        random: Callable[[int], bytes],
        count: Callable[[str], None],
        limit: int,
    ) -> None:
        """Take the way out, the timers, a source of randomness, a counter and the bound on transactions."""
        self.send = send
        self.timers = timers
        self._random = random
        self._count = count
        self.limit = limit
        self.servers: dict[str, Transaction] = {}
        self.clients: dict[str, Transaction] = {}
        self._merged: dict[str, Transaction] = {}
        self._by_connection: dict[int, set[Transaction]] = {}
        self.ways: Ways | None = None
        self._detours: dict[str, Flow] = {}  # the UDP flow of what went over TCP for its size, by key
        self._expirers = {name: partial(self._expire, f"timer {name}") for name in LASTING}

    @property
    def full(self) -> bool:
        """Whether new work must be refused."""
        return len(self.servers) + len(self.clients) >= self.limit

    # -- clients -----------------------------------------------------------------------------------

    def new_branch(self) -> str:
        """Return a branch nobody can guess (8.1.1.7)."""
        return MAGIC + self._random(10).hex()

    def via(self, flow: Flow, host: str, branch: str | None = None) -> str:
        """Return the Via of a request we at `host` send on `flow`; `rport` asks for symmetry (RFC 3581)."""
        sent_by = f"{bracketed(host)}:{flow.local[1]}"
        # A far end whose name we have checked may use the connection for its own requests (RFC 5923 5).
        alias = ";alias" if flow.peer else ""
        return f"SIP/2.0/{flow.transport} {sent_by};branch={branch or self.new_branch()};rport{alias}"

    def call(self, request: Request, flow: Flow, owner: Owner, now: float) -> Transaction:
        """Send `request`, whose top Via is ours, as a new client transaction. `owner` hears later."""
        key = f"{request.branch} {request.method}"
        table = INVITE_CLIENT if request.method == "INVITE" else NON_INVITE_CLIENT
        data = bytes(request)
        if flow.id:
            flow = self.living(flow)
        elif len(data) > LARGE and self.ways is not None:
            stream = self.ways.instead(flow)
            if stream is not None:
                self._detours[key], flow = flow, stream
                take(request, stream)
                data = bytes(request)
        transaction = Transaction(table, key, flow)
        transaction.owner = owner
        transaction.request = request
        self.clients[key] = transaction
        if flow.id:
            self._by_connection.setdefault(flow.id, set()).add(transaction)
        self.apply(transaction, transaction.feed("start", now, data), now)
        return transaction

    def living(self, flow: Flow) -> Flow:
        """Return the flow to send on where `flow` was meant: a connection that is gone is made anew."""
        return flow if self.ways is None or not flow.id else self.ways.again(flow)

    def response(self, response: Response, now: float) -> bool:
        """Hand a response to its client transaction; False when there is none (17.1.3)."""
        transaction = self.clients.get(f"{response.branch} {response.cseq_method}")
        if transaction is None:
            return False
        if self._detours:
            self._detours.pop(transaction.key, None)
        status = response.status
        event = "1xx" if status < 200 else "2xx" if status < 300 else "final"
        self.apply(transaction, transaction.feed(event, now, response), now)
        if status >= 200:
            self._let_go(transaction)
        return True

    def abandon(self, transaction: Transaction, now: float) -> None:
        """Forget a client transaction nobody will answer any more (9.1: 64*T1 after its CANCEL)."""
        self.apply(transaction, transaction.feed("abandon", now), now)

    def connection_lost(self, connection: int, now: float) -> None:
        """End what waited on a connection: no answer can come on it (17.1.4, 18.4)."""
        for transaction in list(self._by_connection.pop(connection, ())):
            self._failed(transaction, transaction.flow, now)

    def _failed(self, transaction: Transaction, lost: Flow, now: float) -> None:
        """End what cannot be sent; what went over TCP for its size alone is begun anew over UDP (18.1.1)."""
        if transaction.flow is not lost:
            return  # it goes another way already
        flow = self._detours.pop(transaction.key, None)
        request = transaction.request
        if flow is None or request is None or transaction.state not in {"calling", "trying"}:
            self.apply(transaction, transaction.feed("error", now), now)
            return
        self._count("large request by datagram after all")
        self._leave(transaction)
        if self.ways is not None:
            self.ways.refused(lost)
        self._clear(transaction, "B")
        take(request, flow)
        transaction.restart(flow)
        self.apply(transaction, transaction.feed("start", now, bytes(request)), now)

    # -- servers -----------------------------------------------------------------------------------

    def serve(self, request: Request, key: str, flow: Flow, owner: Owner | None, now: float) -> Transaction:
        """Make the server transaction of a request that matched none."""
        invite = request.method == "INVITE"
        transaction = Transaction(
            INVITE_SERVER if invite else NON_INVITE_SERVER, key, reply_flow(request, flow)
        )
        transaction.owner = owner
        transaction.feed("start", now)
        self.servers[key] = transaction
        if invite:
            transaction.merge_key = merge_key(request)
            self._merged[transaction.merge_key] = transaction
            if flow.id:
                self._by_connection.setdefault(flow.id, set()).add(transaction)
        return transaction

    def merged(self, key: str) -> bool:
        """Whether this INVITE, new by its branch, is one we have already by another way (8.2.2.2)."""
        return key in self._merged

    def respond(self, transaction: Transaction, status: int, data: bytes, now: float) -> None:
        """Send a response through its transaction."""
        event = "send 1xx" if status < 200 else "send 2xx" if status < 300 else "send final"
        self.apply(transaction, transaction.feed(event, now, data), now)
        if status >= 200:
            transaction.owner = None
            if transaction.state == "accepted":
                # 2xx are repeated by the session, never by this machine (6026 7.1).
                transaction.last = b""

    # -- effects -----------------------------------------------------------------------------------

    def apply(self, transaction: Transaction, effects: list[Effect], now: float) -> None:
        """Carry out what a machine said, in its order."""
        for effect in effects:
            kind = type(effect)
            if kind is Send:
                if not self.send(transaction.flow, effect.data):  # type: ignore[union-attr]  # kind says so
                    self._count("send failed")
                    self.timers.after(0, partial(self._failed, transaction, transaction.flow), now)
            elif kind is SetTimer:
                self._set(transaction, effect.name, effect.at - now, now)  # type: ignore[union-attr]
            elif kind is ClearTimer:
                self._clear(transaction, effect.name)  # type: ignore[union-attr]
            elif kind is Done:
                self._forget(transaction)
            elif isinstance(effect, Up) and transaction.owner is not None:
                transaction.owner(transaction, effect.event, effect.message, now)
        if transaction.state == "terminated":
            transaction.owner = transaction.request = None

    def _set(self, transaction: Transaction, name: str, delay: float, now: float) -> None:
        if name in LASTING:
            self.timers.linger(LASTING[name], self._expirers[name], transaction, now)
            return
        timer = self.timers.after(delay, partial(self._fire, transaction, f"timer {name}"), now)
        if name in REPEATING:
            transaction.repeat = timer
        else:
            transaction.limit = timer

    def _clear(self, transaction: Transaction, name: str) -> None:
        timer = transaction.repeat if name in REPEATING else transaction.limit
        if timer is not None:
            self.timers.cancel(timer)
        if name in REPEATING:
            transaction.repeat = None
        else:
            transaction.limit = None

    def _fire(self, transaction: Transaction, event: str, now: float) -> None:
        self.apply(transaction, transaction.feed(event, now), now)

    def _expire(self, event: str, transaction: Transaction) -> None:
        self.apply(transaction, transaction.feed(event, 0.0), 0.0)

    def _let_go(self, transaction: Transaction) -> None:
        """Drop what a client needs only until its final answer; the owner of a 2xx acknowledges repeats."""
        transaction.request = None
        if transaction.state != "accepted":
            transaction.owner = None
        if transaction.table is not INVITE_CLIENT or transaction.state == "accepted":
            # Only the ACK of a refusal is ever sent again.
            transaction.last = b""

    def _forget(self, transaction: Transaction) -> None:
        table = self.servers if _serves(transaction) else self.clients
        if table.get(transaction.key) is transaction:
            del table[transaction.key]
        if transaction.merge_key and self._merged.get(transaction.merge_key) is transaction:
            del self._merged[transaction.merge_key]
        if self._detours.pop(transaction.key, None) is not None and self.ways is not None:
            self.ways.refused(transaction.flow)  # it took the request, and never said a word
        self._leave(transaction)

    def _leave(self, transaction: Transaction) -> None:
        """Wait for nothing more on the connection of a transaction."""
        if transaction.flow.id:
            waiting = self._by_connection.get(transaction.flow.id)
            if waiting is not None:
                waiting.discard(transaction)
                if not waiting:
                    del self._by_connection[transaction.flow.id]
