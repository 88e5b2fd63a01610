"""Addresses of this machine for test peers: 127.R.N.H.

R differs from one run to the next, so that runs beside each other do not meet; N is a network (one for each
file of tests that wants some), H a host in it.
"""

import os

_RUN = 20 + os.getpid() % 200


def address(net: int, host: int) -> str:
    """Return the address of a host of a network, the same through the whole run."""
    return f"127.{_RUN}.{net}.{host}"
