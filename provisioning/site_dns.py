"""Who is asked for names: `[dns]` in the site file. Without it the box asks nobody, ever."""

from dataclasses import dataclass

from provisioning.site_check import Table


@dataclass(frozen=True, slots=True)
class Dns:
    """The servers (IP addresses, tried in this order) and how many seconds one question may take."""

    servers: tuple[str, ...]
    port: int = 53
    seconds: int = 3


def read_dns(root: Table) -> Dns | None:
    """Read the table; None where it is not written. Only a trunk that is named by host is a reason for it."""
    written = root.has("dns")
    table = root.table("dns")
    if not written:
        return None
    dns = Dns(
        table.texts("servers", "the IP address of a DNS server such as 192.0.2.53", _is_server),
        table.integer("port", 1, 65535, 53),
        table.integer("seconds", 1, 10, 3),
    )
    if len(dns.servers) > 4:
        table.fault("servers", f"{len(dns.servers)} of them are too many", "keep at most 4")
    table.close()
    return dns


def _is_server(text: str) -> bool:
    from ipaddress import ip_address

    try:
        address = ip_address(text)
    except ValueError:
        return False
    return not (address.is_multicast or address.is_unspecified or "%" in text)
