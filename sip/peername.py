"""Who a certificate says its holder is, and whether that is who was asked for (RFC 5922 7).

Takes certificates as Python's `ssl` gives them (`getpeercert()`), already checked up to an authority.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from sip.errors import BadMessage
from sip.uri import SipUri


def identities(certificate: Mapping[str, Any]) -> list[str]:
    """Return the domains (lower case) a certificate's holder may speak for as a SIP peer (RFC 5922 7.1).

    SIP URIs without a user among the alternative names; if there is none, DNS names; the common name only
    where a certificate has no alternative name at all. IP addresses are added for peers known by address
    only, which the RFC leaves to local policy.
    """
    alternatives = [(str(kind), str(value)) for kind, value in certificate.get("subjectAltName", ())]
    domains = [host for kind, value in alternatives if kind == "URI" and (host := _domain(value))]
    if not domains:
        domains = [value for kind, value in alternatives if kind == "DNS"]
    if not alternatives:
        names = [
            str(value)
            for part in certificate.get("subject", ())
            for kind, value in part
            if kind == "commonName"
        ]
        domains = names[-1:]  # the most specific one stands last
    addresses = [_address(value) for kind, value in alternatives if kind == "IP Address"]
    return [_plain(domain) for domain in domains] + [address for address in addresses if address]


def proves(certificate: Mapping[str, Any], name: str) -> bool:
    """Tell whether the holder is `name`, a domain or IP address: equal but for case, no wildcards (7.2)."""
    wanted = _address(name) or _plain(name)
    return bool(wanted) and wanted in identities(certificate)


def _domain(uri: str) -> str:
    """Return the host of a `sip:` URI that names a domain, "" for any other (7.1 steps 1 and 2)."""
    try:
        found = SipUri.parse(uri)
    except BadMessage:
        return ""
    return found.host if found.scheme == "sip" and not found.user else ""


def _plain(domain: str) -> str:
    return domain.lower().removesuffix(".")


def _address(text: str) -> str:
    """Return an IP address in its one spelling, "" for anything else."""
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return ""
