"""What we can serve, and the answer to a valid request for anything else (RFC 3261 section 8.2)."""

from __future__ import annotations

from dataclasses import dataclass

from sip.message import METHODS, Request, Response


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Methods we serve, option tags we know, URI schemes and body types we read."""

    methods: tuple[str, ...]
    extensions: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ("sip", "sips")
    types: tuple[str, ...] = ("application/sdp",)

    def refusal(self, request: Request, to_tag: str) -> Response | None:
        """Give the final response to a request beyond us, None when we can go on (or it is an ACK)."""
        if request.method == "ACK":
            return None
        # 8.2.1: a method nobody knows is 501, one we do not serve is 405.
        if request.method not in self.methods:
            status = 405 if request.method in METHODS else 501
            return request.respond(status, to_tag=to_tag, headers=[("Allow", ", ".join(self.methods))])
        # 8.2.2.1
        if request.request_uri.scheme not in self.schemes:
            return request.respond(416, to_tag=to_tag)
        # 8.2.2.3: a CANCEL requires nothing.
        unknown = [tag for tag in request.values("Require") if tag.lower() not in self.extensions]
        if unknown and request.method != "CANCEL":
            return request.respond(420, to_tag=to_tag, headers=[("Unsupported", ", ".join(unknown))])
        return self._content_refusal(request, to_tag)

    def _content_refusal(self, request: Request, to_tag: str) -> Response | None:
        # 8.2.3: what need not be understood says so in Content-Disposition.
        optional = "handling=optional" in (request.get("Content-Disposition") or "").lower().replace(" ", "")
        if request.body and not optional:
            if request.content_type not in self.types:
                return request.respond(415, to_tag=to_tag, headers=[("Accept", ", ".join(self.types))])
            if any(coding.lower() != "identity" for coding in request.values("Content-Encoding")):
                return request.respond(415, to_tag=to_tag, headers=[("Accept-Encoding", "identity")])
        # 21.4.7: an INVITE that cannot read a session description has no use for our answer.
        if request.method == "INVITE" and "Accept" in request:
            accepted = {value.partition(";")[0].strip(" \t").lower() for value in request.values("Accept")}
            if accepted.isdisjoint({"application/sdp", "application/*", "*/*"}):
                return request.respond(406, to_tag=to_tag)
        return None
