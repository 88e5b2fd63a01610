"""Whether a message that could be read makes sense (RFC 3261 sections 8.1.1, 8.1.3, 8.2, 16.3).

After `validate` no typed property of the message raises any more, except those of headers it does not name.
Tolerated, because RFC 2543 peers and real phones need it: no Max-Forwards, no From tag, no branch, an
unreadable Date.
"""

from __future__ import annotations

from sip.errors import BadMessage
from sip.headers import SINGLE
from sip.message import Message, Request, Response

_MANDATORY = ("Via", "From", "To", "Call-ID", "CSeq")


def validate(message: Request | Response) -> None:
    """Raise BadMessage with the status to answer: 400, or 505 for another version.

    A response that fails is to be discarded, an ACK too.
    """
    if message.version != "SIP/2.0":
        raise BadMessage(
            "semantic", "another version of SIP", message, status=505, reason="Version Not Supported"
        )
    _check_headers(message)
    _ = message.cseq
    if isinstance(message, Request):
        _check_request(message)


def _check_headers(message: Message) -> None:
    missing = message.missing(_MANDATORY)
    if missing:
        raise BadMessage("semantic", "a mandatory header is absent", message, reason=f"Missing {missing}")
    for name in message.repeated:
        if name in SINGLE:
            raise BadMessage(
                "semantic", "a header comes twice", message, header=name, reason=f"More Than One {name}"
            )
    # Reading these is the check.
    _ = message.vias, message.from_, message.to, message.max_forwards, message.routes, message.record_routes
    contacts = message.contacts
    if any([contact.star for contact in contacts]) and (  # noqa: C419  # a third of the time of a generator
        len(contacts) > 1 or message.cseq.method != "REGISTER"
    ):
        # 10.2.2: "*" is the only contact of a REGISTER that removes all bindings.
        raise BadMessage("header", "a * that removes nothing", message, header="Contact")


def _check_request(request: Request) -> None:
    if request.cseq.method != request.method:
        raise BadMessage("semantic", "CSeq and request line name different methods", request, header="CSeq")
    if request.request_uri.headers:
        # Never obeyed, never passed on (19.1.5): an escaped Route would send our request anywhere.
        raise BadMessage("semantic", "headers in the Request-URI", request, reason="Bad Request-URI")
