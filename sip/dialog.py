"""A dialog (RFC 3261 section 12): who talks with whom, by which way, counting what.

Every usage (INVITE now, subscriptions later) stands on one of these. The route set is frozen at creation
(12.1); the remote target follows target refreshes (12.2). Each side of a call has a dialog of its own, so a
Record-Route of one side is never seen by the other.
"""

from __future__ import annotations

from collections.abc import Iterable

from sip.errors import BadMessage
from sip.flow import Flow
from sip.message import Message, Request, Response
from sip.nameaddr import NameAddr
from sip.uri import SipUri

Headers = Iterable[tuple[str, str]]


class Dialog:
    """The state of one dialog. `local` and `remote` are From/To values as on the wire, tags included.

    Requests leave on `flow`: the path the far end was last heard on. Phones behind address translation can be
    reached by no other, whatever their Contact says.
    """

    __slots__ = (
        "_strict_uri",
        "call_id",
        "flow",
        "local",
        "local_cseq",
        "local_tag",
        "remote",
        "remote_cseq",
        "remote_tag",
        "routes",
        "target",
    )

    def __init__(
        self,
        call_id: str,
        *,
        local: tuple[str, str],
        remote: tuple[str, str],
        cseq: tuple[int, int | None],
        routes: tuple[str, ...],
        target: str,
        flow: Flow,
    ) -> None:
        """Take (value, tag) of both ends, (local, remote) CSeq, routes in sending order and the target."""
        self.call_id = call_id
        self.local, self.local_tag = local
        self.remote, self.remote_tag = remote
        self.local_cseq, self.remote_cseq = cseq
        self.routes = routes
        self.target = target
        self.flow = flow
        self._strict_uri = _strict(routes[0]) if routes else ""

    @classmethod
    def of_server(cls, request: Request, local_tag: str, first_cseq: int, flow: Flow) -> Dialog:
        """Make the dialog a UAS has once it answers `request` with `local_tag` (12.1.1)."""
        return cls(
            request.call_id,
            local=(f"{request.get('To')};tag={local_tag}", local_tag),
            remote=(request.get("From") or "", request.from_tag),
            cseq=(first_cseq, request.cseq_number),
            routes=tuple(request.values("Record-Route")),
            target=contact_of(request) or str(request.from_.uri),
            flow=flow,
        )

    @classmethod
    def of_client(cls, local: tuple[str, str], cseq: int, uri: str, response: Response, flow: Flow) -> Dialog:
        """Make the dialog a UAC has with the sender of `response` (12.1.2).

        `local` is the From of the request with its tag, `cseq` and `uri` are the request's too.
        """
        return cls(
            response.call_id,
            local=local,
            remote=(response.get("To") or "", response.to_tag),
            cseq=(cseq, None),
            routes=tuple(reversed(response.values("Record-Route"))),
            target=contact_of(response) or uri,
            flow=flow,
        )

    def request(
        self, method: str, via: str, headers: Headers = (), body: bytes = b"", cseq: int | None = None
    ) -> Request:
        """Make a request within the dialog (12.2.1.1). `cseq`: the number to reuse (ACK), else the next."""
        if cseq is None:
            self.local_cseq += 1
            cseq = self.local_cseq
        uri, routes = self.target, self.routes
        if self._strict_uri:
            # The first hop is a strict router: it goes where the target stood, and the target to the end.
            uri, routes = self._strict_uri, (*routes[1:], f"<{self.target}>")
        lines = [("Via", via), ("Max-Forwards", "70")]
        lines.extend(("Route", route) for route in routes)
        lines += [
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
        ]
        lines.extend(headers)
        return Request.new(method, uri, lines, body)

    def in_order(self, request: Request) -> bool:
        """Note the CSeq of a far end's request; False when it is not newer than the last (12.2.2)."""
        number = request.cseq_number
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def refresh(self, message: Message, flow: Flow | None = None) -> None:
        """Take the new remote target of a target refresh (12.2.1.2, 12.2.2), and the path it came by."""
        self.target = contact_of(message) or self.target
        if flow is not None:
            self.flow = flow


def contact_of(message: Message) -> str:
    """Return the URI of the first Contact, "" when there is none that could be a target."""
    contacts = message.contacts
    if not contacts or contacts[0].star:
        return ""
    return str(contacts[0].uri)


def _strict(route: str) -> str:
    """Return the Request-URI that `route` wants when its proxy is a strict router (no `lr`), else ""."""
    try:
        uri = NameAddr.parse(route).uri
    except BadMessage:
        return ""
    if "lr" in uri.params:
        return ""
    allowed = {name: value for name, value in uri.params.items() if name != "method"}
    return str(SipUri(uri.scheme, uri.user, uri.password, uri.host, uri.port, allowed, (), uri.opaque))
