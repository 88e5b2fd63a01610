import pytest

from sip.flow import Flow, bracketed


@pytest.mark.parametrize(("transport", "reliable"), [("UDP", False), ("TCP", True), ("TLS", True)])
def test_only_udp_loses_data(transport: str, reliable: bool) -> None:
    flow = Flow(transport, ("192.0.2.1", 5060), ("192.0.2.9", 5062), 3)  # type: ignore[arg-type]
    assert flow.reliable is reliable


def test_the_same_socket_aimed_elsewhere() -> None:
    flow = Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.9", 5062))
    assert flow.to(("192.0.2.8", 1)) == Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.8", 1))


@pytest.mark.parametrize(
    ("host", "written"), [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "[2001:db8::1]"), ("[::1]", "[::1]")]
)
def test_ipv6_is_written_in_brackets(host: str, written: str) -> None:
    assert bracketed(host) == written
