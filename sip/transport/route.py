"""Which address of ours leads to a far end: the kernel knows, and need not send anything to say it."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from sip.flow import Address

_ANY = {"0.0.0.0", "::"}  # noqa: S104  # recognised, not bound


def source_towards(remote: Address) -> str:
    """Return the address of ours that packets to `remote` would carry, "" when there is no way there."""
    family = socket.AF_INET6 if ":" in remote[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(remote)  # on UDP this only asks the routing table
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def choose(ours: Sequence[Address], remote: Address, local: str = "") -> Address | None:
    """Return which of our sockets to use towards `remote`, None when none fits.

    With `local` it is the one of that address. Else the one the kernel would choose; else the first of the
    same family, unless one end were this machine alone and the other not.
    """
    same = [one for one in ours if (":" in one[0]) == (":" in remote[0])]
    if local:
        return next((one for one in same if one[0] == local), None)
    fitting = [one for one in same if one[0] in _ANY or _here(one[0]) == _here(remote[0])]
    if len(fitting) > 1:
        source = source_towards(remote)
        return next((one for one in fitting if one[0] == source), fitting[0])
    return fitting[0] if fitting else None


def _here(host: str) -> bool:
    return host == "::1" or host.startswith("127.")
