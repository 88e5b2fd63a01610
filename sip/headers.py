"""Names of header fields: canonical spelling, compact forms, and which may be joined with commas."""

from __future__ import annotations

from sip.grammar import is_token

_CANONICAL = """
Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events
Authentication-Info Authorization Call-ID Call-Info Contact Content-Disposition Content-Encoding
Content-Language Content-Length Content-Type CSeq Date Diversion Error-Info Event Expires Flow-Timer
From History-Info Identity In-Reply-To Join Max-Forwards MIME-Version Min-Expires Min-SE
Organization P-Access-Network-Info P-Asserted-Identity P-Preferred-Identity Path Priority Privacy
Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Record-Route Refer-Sub Refer-To
Referred-By Reject-Contact Replaces Reply-To Request-Disposition Require Retry-After Route RSeq
Server Service-Route Session-Expires SIP-ETag SIP-If-Match Subject Subscription-State Supported
Target-Dialog Timestamp To Unsupported User-Agent Via Warning WWW-Authenticate
"""

_COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}

_LISTS = """
Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Call-Info
Contact Content-Encoding Content-Language Diversion Error-Info History-Info In-Reply-To
P-Asserted-Identity P-Preferred-Identity Path Proxy-Require Reason Record-Route Reject-Contact
Require Route Service-Route Supported Unsupported Via Warning
"""

COMMA = frozenset(_LISTS.split())
"""Headers whose value is a comma-separated list (RFC 3261 7.3.1). The authentication headers are not."""

SINGLE = ("Call-ID", "CSeq", "From", "To", "Max-Forwards", "Content-Length", "Content-Type", "Expires")
"""Headers that may stand only once (7.3.1); a second one is an attack or a fault, never a choice."""

KEYS: dict[str, str] = {}
"""Spellings in use to canonical names; exact and lower case, compact forms in both cases."""

for _name in _CANONICAL.split():
    KEYS[_name] = KEYS[_name.lower()] = KEYS[_name.upper()] = _name
for _short, _name in _COMPACT.items():
    KEYS[_short] = KEYS[_short.upper()] = _name


def canonical(name: str) -> str:
    """Give the name under which a header is filed: canonical when known, else lower case; "" if no name."""
    key = KEYS.get(name)
    if key is not None:
        return key
    name = name.rstrip(" \t")
    lower = name.lower()
    return KEYS.get(lower) or (lower if is_token(name) else "")
