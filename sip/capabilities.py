"""What we can serve, and the answer to a valid request for anything else (RFC 3261 section 8.2)."""

from __future__ import annotations

from dataclasses import dataclass

from sip.answer import Answer
from sip.message import METHODS, Request


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Methods we serve, option tags we know, URI schemes and body types we read."""

    methods: tuple[str, ...]
    extensions: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ("sip", "sips")
    types: tuple[str, ...] = ("application/sdp",)

    def refusal(self, request: Request) -> Answer | None:
        """Give the answer to a request beyond us, None when we can go on (or it is an ACK)."""
        if request.method == "ACK":
            return None
        # 8.2.1: a method nobody knows is 501, one we do not serve is 405.
        if request.method not in self.methods:
            status = 405 if request.method in METHODS else 501
            return Answer(status, (("Allow", ", ".join(self.methods)),))
        # 8.2.2.1
        if request.request_uri.scheme not in self.schemes and not _is_help(request):
            return Answer(416)
        if "Require" in request and request.method != "CANCEL":
            # 8.2.2.3: a CANCEL requires nothing.
            unknown = [tag for tag in request.values("Require") if tag.lower() not in self.extensions]
            if unknown:
                return Answer(420, (("Unsupported", ", ".join(unknown)),))
        return self._content_refusal(request)

    def _content_refusal(self, request: Request) -> Answer | None:
        # RFC 3903 6: what a PUBLISH may carry is a matter of its event.
        if request.body and not _optional(request):
            if request.method != "PUBLISH" and request.content_type not in self.types:
                return Answer(415, (("Accept", ", ".join(self.types)),))
            if any(coding.lower() != "identity" for coding in request.values("Content-Encoding")):
                return Answer(415, (("Accept-Encoding", "identity"),))
        # 21.4.7: an INVITE that cannot read a session description has no use for our answer.
        if request.method == "INVITE" and "Accept" in request:
            accepted = {value.partition(";")[0].strip(" \t").lower() for value in request.values("Accept")}
            if accepted.isdisjoint({"application/sdp", "application/*", "*/*"}):
                return Answer(406)
        return None


def _is_help(request: Request) -> bool:
    """Tell whether a request is for an emergency service by its name (RFC 5031; RFC 6881 ED-61)."""
    uri = request.request_uri
    return uri.scheme == "urn" and f"{uri.opaque.lower()}.".startswith("service:sos.")


def _optional(request: Request) -> bool:
    """8.2.3: what need not be understood says so in Content-Disposition."""
    return "handling=optional" in (request.get("Content-Disposition") or "").lower().replace(" ", "")
