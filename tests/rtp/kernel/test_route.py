"""Which interface a far end is reached by."""

import socket

import pytest

from rtp.kernel.route import interface
from tests.support import namespace

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(bool(namespace.missing()), reason=namespace.missing() or "-"),
]


def test_this_machine_a_network_a_gateway_and_nowhere() -> None:
    with namespace.network():
        namespace.run("ip", "link", "add", "left", "type", "veth", "peer", "name", "right")
        for name, host, host6 in (
            ("left", "192.0.2.1/24", "fd00::1/64"),
            ("right", "198.51.100.1/24", "fd01::1/64"),
        ):
            namespace.run("ip", "addr", "add", host, "dev", name)
            namespace.run("ip", "addr", "add", host6, "dev", name, "nodad")
            namespace.run("ip", "link", "set", name, "up")
        left, right = socket.if_nametoindex("left"), socket.if_nametoindex("right")
        assert interface("127.0.0.1", "127.0.0.9") == 0
        assert interface("192.0.2.1", "192.0.2.1") == 0
        assert interface("::1", "::1") == 0
        assert interface("192.0.2.1", "192.0.2.9") == left
        assert interface("198.51.100.1", "198.51.100.9") == right
        assert interface("fd01::1", "fd01::9") == right
        assert interface("192.0.2.1", "203.0.113.1") is None
        namespace.run("ip", "route", "add", "203.0.113.0/24", "via", "198.51.100.9")
        assert interface("198.51.100.1", "203.0.113.1") == right
        namespace.run("ip", "route", "add", "blackhole", "203.0.113.8/32")
        assert interface("198.51.100.1", "203.0.113.8") is None
        assert interface("192.0.2.77", "192.0.2.9") is None, "not an address of ours"
