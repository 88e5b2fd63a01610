"""How to register a phone, as text and as a QR code for the terminal."""

import io
from typing import Any

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()&=+$,")
"""What a password in a SIP URI may hold unescaped (RFC 3261 section 25.1)."""


def describe(credentials: dict[str, Any]) -> str:
    """Tell what to type into a phone; `credentials` is the answer of `extension.show`."""
    lines = [
        f"extension {credentials['number']} ({credentials['name']})",
        f"  secret    {credentials['secret']}",
        f"  uri       {credentials['uri']}",
        f"  server    {', '.join(credentials['servers'])}",
    ]
    if credentials["aliases"]:
        lines.append(f"  aliases   {' '.join(credentials['aliases'])}")
    return "\n".join(lines)


def account_uri(credentials: dict[str, Any]) -> str:
    """Return the sip: URI that carries the secret as well (RFC 3261 section 19.1.1), for a QR code only."""
    scheme, _, rest = credentials["uri"].partition(":")
    user, _, place = rest.partition("@")
    secret = "".join(c if c in _PLAIN else f"%{ord(c):02X}" for c in credentials["secret"])
    return f"{scheme}:{user}:{secret}@{place}"


def qr_code(text: str) -> str:
    """Draw a QR code in half blocks, for terminals that speak UTF-8."""
    import segno

    drawn = io.StringIO()
    segno.make(text, error="m", micro=False).terminal(drawn, compact=True)
    return drawn.getvalue()
