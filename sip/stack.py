"""One SIP element: bytes and `now` in, bytes and calls to its user out (RFC 3261 8, 9, 12).

What comes in goes through these steps, each of which may end it: parse; match a transaction; ACK and
CANCEL; overload; validate; the gate (who is asking?); the dialog it belongs to; a new session or a handler.
A request that the gate refuses costs no state (8.2.7), and 100 to an INVITE leaves before its user hears of
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol

from sip.answer import Answer
from sip.capabilities import Capabilities
from sip.core import SDP, Core, StackConfig
from sip.credentials import TRIES, Credentials, Headers, authorized
from sip.errors import BadMessage
from sip.event import Notifier, Package
from sip.flow import Flow
from sip.layer import merge_key, reply_flow, server_key, stamp
from sip.listener import SessionListener
from sip.message import Request, Response, parse
from sip.refresh import Refreshes, Wording, cut
from sip.session import Session
from sip.session_timer import too_short
from sip.transaction import Transaction
from sip.transfer import Replaces, replaces_of
from sip.uac import UacSession
from sip.uas import UasSession
from sip.validate import validate
from sip.ways import Ways

__all__ = ["Answer", "Handler", "Stack", "StackConfig", "StackUser"]

Handler = Callable[[Request, Flow, object, float], Answer]
"""Serves a method outside dialogs: (request, flow, identity, now). A repeat must get the same answer."""

Done = Callable[[Response | None], None]

_IN_DIALOG: Final = frozenset({"INVITE", "BYE", "UPDATE", "PRACK", "REFER"})
_OURS: Final = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "UPDATE", "PRACK", "REFER")
_BUSY: Final = 0.8
_LATE_SECONDS: Final = 1.0
_EXTENSIONS: Final = ("100rel", "timer", "norefersub", "replaces", "outbound")


class StackUser(Protocol):
    """Who a stack works for."""

    def authorize(self, request: Request, flow: Flow, session: Session | None, now: float) -> object:
        """Say who asks: an Answer refuses (stateless), None drops silently, anything else is the identity.

        Asked for everything but ACK and CANCEL, which belong to a transaction; `session` is the one it is
        within.
        """

    def incoming(self, session: UasSession, identity: object, now: float) -> None:
        """Take a new session: set its listener, then ring, accept or reject, now or later."""

    def urgent(self, request: Request) -> bool:
        """Whether this INVITE must not be refused for load: it calls for help."""


class Stack:
    """One SIP element over any number of flows.

    `send` puts bytes on a flow and returns False when the flow is gone. `handlers` are the methods served
    outside dialogs, `packages` the events others may subscribe to. `random` must be fit for
    secrets. `counters` counts whatever was refused, dropped or odd.
    """

    def __init__(
        self,
        send: Callable[[Flow, bytes], bool],
        user: StackUser,
        config: StackConfig,
        random: Callable[[int], bytes],
        handlers: Mapping[str, Handler] | None = None,
        packages: Mapping[str, Package] | None = None,
    ) -> None:
        """Make a stack with nothing in it."""
        self._user = user
        self._core = Core(send, config, random)
        self._layer = self._core.layer
        self._salt = int.from_bytes(random(8), "big")
        self._handlers = dict(handlers or {})
        self._refreshes = Refreshes()
        self._late_until = 0.0
        self.turns_away: Callable[[Request], bool] = lambda _: False  # no room for what an INVITE begins
        self._core.supported = (*_EXTENSIONS, *config.supported)
        self.notifier = Notifier(self._core, packages or {})
        events = ("SUBSCRIBE",) if packages else ()
        known = (*self._core.supported, *(("path",) if "REGISTER" in self._handlers else ()))
        self._capabilities = Capabilities((*_OURS, *sorted(self._handlers), *events), known)
        self._core.allow = ", ".join(self._capabilities.methods)

    @property
    def config(self) -> StackConfig:
        """Bounds and names; new ones hold for what begins from now on."""
        return self._core.config

    @config.setter
    def config(self, config: StackConfig) -> None:
        self._core.config = config

    @property
    def counters(self) -> dict[str, int]:
        """Events that were not routine, by name."""
        return self._core.counters

    def host(self, flow: Flow) -> str:
        """Return the host we are known by on `flow`."""
        return self._core.host(flow)

    @property
    def session_count(self) -> int:
        """Sessions alive, those included whose BYE or CANCEL is still open."""
        return len(self._core.sessions)

    @property
    def transaction_count(self) -> int:
        """Transactions alive, lingering ones included."""
        return len(self._layer.servers) + len(self._layer.clients)

    # -- time --------------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """Return when `run` has something to do."""
        return self._core.timers.next_deadline()

    def run(self, now: float) -> None:
        """Do what is due."""
        self._core.timers.run(now)

    def on_deadline(self, wake: Callable[[float], None] | None) -> None:
        """Have `wake(when)` called whenever a deadline comes up that is earlier than the last one told."""
        self._core.timers.wake = wake

    def offer_ways(self, ways: Ways) -> None:
        """Use other ways to far ends where the flow asked for does not serve (RFC 3261 18.1.1)."""
        self._layer.ways = ways

    # -- asking ------------------------------------------------------------------------------------

    def invite(
        self,
        target: str,
        flow: Flow,
        *,
        caller: str,
        callee: str,
        offer: bytes | None,
        listener: SessionListener,
        now: float,
        headers: Headers = (),
        credentials: Credentials | None = None,
        reliable: bool = True,
    ) -> UacSession:
        """Send an INVITE. `target` is the Request-URI, `caller` and `callee` are From and To without a tag.

        The listener hears nothing before this has returned, not even of a flow that is gone. With `offer`
        None the far end makes the offer, and `UacSession.ack` answers it, or `UacSession.prack` if it came in
        a reliable provisional answer; who cannot answer before the call is taken says `reliable` False.
        """
        session = UacSession(
            self._core, target, flow, caller=caller, callee=callee, offer=offer, listener=listener,
            headers=headers, credentials=credentials, reliable=reliable,
        )  # fmt: skip
        session.begin(now)
        return session

    def request(
        self,
        method: str,
        target: str,
        flow: Flow,
        *,
        caller: str,
        callee: str,
        now: float,
        done: Done,
        headers: Headers = (),
        body: bytes = b"",
        credentials: Credentials | None = None,
        call_id: str = "",
        cseq: int = 1,
    ) -> None:
        """Send a request outside any dialog, not INVITE. `done` gets its final answer, None for none."""
        core = self._core
        tagged = caller if ";tag=" in caller else f"{caller};tag={core.tag()}"
        call_id = call_id or core.random(16).hex()

        def attempt(extra: Headers, number: int, now: float) -> None:
            lines = [
                ("Via", core.via(flow)),
                ("Max-Forwards", "70"),
                ("From", tagged),
                ("To", callee),
                ("Call-ID", call_id),
                ("CSeq", f"{number} {method}"),
                *headers,
                *extra,
            ]
            self._layer.call(Request.new(method, target, lines, body), flow, partial(answered, number), now)

        def answered(
            number: int, transaction: Transaction, event: str, message: Request | Response | None, now: float
        ) -> None:
            del event
            if not isinstance(message, Response):
                done(None)
            elif message.status >= 200:
                extra = (
                    authorized((), credentials, message, transaction.request)
                    if number < cseq + TRIES
                    else None
                )
                if extra is None:
                    done(message)
                else:
                    attempt(extra, number + 1, now)

        attempt((), cseq, now)

    def close(self, now: float) -> None:
        """Hang up every session; what goes out for it goes out now."""
        for session in list(self._core.sessions.values()):
            session.hangup(now, 503)

    # -- being asked -------------------------------------------------------------------------------

    def flow_closed(self, flow: Flow, now: float) -> None:
        """Note that a connection is gone: what waited on it has failed."""
        if flow.id:
            self._layer.connection_lost(flow.id, now)

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """Take one datagram, or one message of a stream."""
        wording = cut(data)
        if wording is not None and self._refreshed(wording, flow, now):
            return
        try:
            message = parse(data)
            if isinstance(message, Request):
                self._on_request(message, wording, flow, now)
            else:
                self._on_response(message, now)
        except BadMessage as error:
            self.receive_bad(error, flow)

    def _on_response(self, response: Response, now: float) -> None:
        count = self._core.count
        # Whatever a user of the transaction will read must be readable, or the response never was.
        validate(response)
        if not response.from_tag or (response.status > 100 and not response.to_tag):
            count("response without tags")
            return
        if not self._layer.response(response, now):
            count("stray response")

    def _refreshed(self, wording: Wording, flow: Flow, now: float) -> bool:
        """Serve a REGISTER whose wording was served before, whatever the load; False for another."""
        known = self._refreshes.find(wording, flow)
        if known is None:
            return False
        request = known.request(wording)
        identity = self._user.authorize(request, flow, None, now)
        if isinstance(identity, Answer):
            answer = identity
        elif identity is None:
            self._core.count("dropped by the gate")
            return True
        else:
            answer = self._handlers["REGISTER"](request, flow, identity, now)
        self._core.send(known.path, known.answer(wording, answer, self._tag(known.key(wording))))
        return True

    def _on_request(self, request: Request, wording: Wording | None, flow: Flow, now: float) -> None:
        stamp(request, flow)
        method = request.method
        layer = self._layer
        if method == "ACK":
            self._on_ack(request, now)
            return
        key = server_key(request, method)
        known = layer.servers.get(key)
        if known is not None:
            layer.apply(known, known.feed("request", now), now)
            return
        if method == "CANCEL":
            validate(request)
            self._on_cancel(request, key, flow, now)
            return
        if self._overloaded(request, now):
            self._core.count("refused for load")
            retry = (("Retry-After", str(self._core.config.retry_after)),)
            self._refuse(request, key, flow, Answer(503, retry))
            return
        validate(request)
        if self._beyond_us(request, key, flow):
            return
        session = self._session_of(request)
        identity = self._user.authorize(request, flow, session, now)
        if identity is None:
            self._core.count("dropped by the gate")
        elif isinstance(identity, Answer):
            self._refuse(request, key, flow, identity)
        elif method == "SUBSCRIBE":
            self.notifier.receive(request, key, flow, identity, now)
        elif request.to_tag:
            self._within(request, key, flow, session, now)
        elif method == "INVITE":
            self._on_invite(request, key, flow, identity, now)
        else:
            answer = self._outside(request, key, flow, identity, now)
            if wording is not None:
                self._refreshes.learn(wording, request, flow, answer, self._tag(key))

    def receive_bad(self, error: BadMessage, flow: Flow) -> None:
        """Answer what cannot be read, as far as possible (8.2, 18.3), else count it."""
        self._core.count(f"bad message: {error.layer}")
        request = error.partial
        if not isinstance(request, Request) or request.method == "ACK":
            return
        try:
            if not (request.get("From") and request.get("To") and request.get("CSeq") and request.call_id):
                return
            stamp(request, flow)
            key = server_key(request, request.method)
            self._refuse(request, key, flow, Answer(error.status, reason=error.reason))
        except BadMessage:
            # Not even its Via or tags can be read: nobody to answer.
            self._core.count("bad message: not answerable")

    # -- the steps ---------------------------------------------------------------------------------

    def _refuse(self, request: Request, key: str, flow: Flow, answer: Answer) -> None:
        """Answer without a transaction; a repeat is answered alike, To tag included (8.2.7)."""
        status, headers, body, reason = answer
        data = request.answer(status, reason, to_tag=self._tag(key), headers=headers, body=body)
        self._core.send(reply_flow(request, flow), data)

    def _tag(self, key: str) -> str:
        """Return the To tag of stateless answers to one request: always the same, known to nobody before."""
        return f"{(hash(key) ^ self._salt) & 0xFFFFFFFFFFFF:012x}"

    def _beyond_us(self, request: Request, key: str, flow: Flow) -> bool:
        """Refuse what takes no identity to refuse: too many hops (16.3), what we cannot serve (8.2)."""
        if request.max_forwards == 0 and request.method != "OPTIONS":
            self._core.count("too many hops")
            self._refuse(request, key, flow, Answer(483))
            return True
        answer = self._capabilities.refusal(request)
        if answer is None:
            return False
        self._core.count(f"refused {answer.status}")
        self._refuse(request, key, flow, answer)
        return True

    def _on_ack(self, request: Request, now: float) -> None:
        key = server_key(request, "INVITE")
        known = self._layer.servers.get(key)
        if known is not None:
            effects = known.feed("ack", now)
            self._layer.apply(known, effects, now)
            if known.state != "accepted":
                return
        session = self._session_of(request)
        if session is None:
            # The ACK of an answer that was sent without a transaction ends here, too.
            self._core.count("ack to nothing")
        else:
            session.acknowledge(request, now)

    def _on_cancel(self, request: Request, key: str, flow: Flow, now: float) -> None:
        """Answer and obey a CANCEL (9.2). Its repeats find the INVITE again, so it needs no transaction."""
        invite = self._layer.servers.get(server_key(request, "INVITE"))
        # A CANCEL cannot be challenged; at least it must come from where the INVITE came from.
        if invite is None or invite.flow.remote[0] != flow.remote[0]:
            self._core.count("cancel of nothing")
            self._refuse(request, key, flow, Answer(481))
            return
        session = getattr(invite.owner, "__self__", None)
        if isinstance(session, UasSession):
            self._core.send(reply_flow(request, flow), request.answer(200, to_tag=session.tag))
            session.cancel(now)
        else:
            self._refuse(request, key, flow, Answer(200))

    def late(self, now: float) -> None:
        """Note that a turn of the loop took too long: for a second no new work is begun."""
        self._core.count("a turn took too long")
        self._late_until = now + _LATE_SECONDS

    def urgent(self, uri: str) -> bool:
        """Whether a Request-URI, as written, calls for help."""
        try:
            return self._user.urgent(Request("INVITE", uri, []))
        except BadMessage:
            return False

    def _overloaded(self, request: Request, now: float) -> bool:
        """Whether a request must wait: new work above four fifths of a bound or while the box is late.

        So must a call the user has no room for. Work within a session has the whole bound and a tenth more, a
        call for help a fifth more, no further. Registrations known by their wording do not come here.
        """
        layer, config = self._layer, self._core.config
        load = (len(layer.servers) + len(layer.clients)) / config.max_transactions
        if request.to_tag:
            return load >= 1.1  # as told above
        full = max(load, len(self._core.sessions) / config.max_sessions)
        if full < _BUSY and now >= self._late_until:
            return request.method == "INVITE" and self.turns_away(request)
        urgent = request.method == "INVITE" and self._user.urgent(request)
        return not urgent or full >= 1.2

    def _session_of(self, request: Request) -> Session | None:
        tag = request.to_tag
        if not tag:
            return None
        session = self._core.sessions.get(f"{request.call_id} {tag}")
        return session if session is not None and session.knows(request.from_tag) else None

    def _within(self, request: Request, key: str, flow: Flow, session: Session | None, now: float) -> None:
        """Serve a request with a To tag (12.2.2)."""
        if session is None:
            self._core.count("no such dialog")
            self._refuse(request, key, flow, Answer(481))
        elif request.method in _IN_DIALOG:
            transaction = self._layer.serve(request, key, flow, None, now)
            session.receive(request, transaction, flow, now)
        elif request.method == "OPTIONS":
            self._refuse(request, key, flow, self._options())
        else:
            self._refuse(request, key, flow, Answer(405, (("Allow", self._core.allow),)))

    def _on_invite(self, request: Request, key: str, flow: Flow, identity: object, now: float) -> None:
        if self._layer.merged(merge_key(request)):
            self._core.count("merged request")
            self._refuse(request, key, flow, Answer(482))
            return
        shortest = self._core.config.shortest_session
        if too_short(request, shortest) and not self._user.urgent(request):
            self._core.count("session interval too short")
            self._refuse(request, key, flow, Answer(422, (("Min-SE", str(shortest)),)))
            return
        replaced: Session | int | None = None
        if "Replaces" in request and not self._user.urgent(request):
            # Help is not refused for the sake of a call that is gone.
            wanted = replaces_of(request)
            replaced = None if wanted is None else self._replaced(wanted)
        if isinstance(replaced, int):
            self._core.count("replaces nothing")
            self._refuse(request, key, flow, Answer(replaced))
            return
        session = UasSession(self._core, request, flow)
        session.replaces = replaced
        session.identity = identity
        session.begin(key, flow, now)
        self._user.incoming(session, identity, now)

    def find(self, wanted: Replaces) -> Session | None:
        """Return the session of the dialog a Replaces header names (RFC 3891 3)."""
        session = self._core.sessions.get(f"{wanted.call_id} {wanted.to_tag}")
        return session if session is not None and session.means(wanted.from_tag) else None

    def _replaced(self, wanted: Replaces) -> Session | int:
        session = self.find(wanted)
        if session is None:
            return 481
        if session.state == "early":
            # RFC 3891 3: of the dialogs that are not confirmed only those which we began.
            return session if isinstance(session, UacSession) else 481
        if session.state == "ended":
            return 603
        return 486 if wanted.early_only else session

    def _outside(self, request: Request, key: str, flow: Flow, identity: object, now: float) -> Answer:
        """Serve a request without a To tag that begins no session; return what it was told."""
        method = request.method
        handler = self._handlers.get(method)
        if handler is not None:
            answer = handler(request, flow, identity, now)
        elif method == "OPTIONS":
            answer = self._options()
        else:
            # BYE, UPDATE, PRACK: 15.1.2, RFC 3311 5.2, RFC 3262 3. A REFER belongs to a call here.
            self._core.count("no such dialog")
            answer = Answer(481)
        self._refuse(request, key, flow, answer)
        return answer

    def _options(self) -> Answer:
        """11.2: what an OPTIONS wants to know."""
        supported = ", ".join(self._capabilities.extensions)
        return Answer(200, (("Allow", self._core.allow), ("Accept", SDP), ("Supported", supported)))
