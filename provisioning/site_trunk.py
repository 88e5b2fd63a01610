"""The lines to carriers over SIP: `[[trunk]]` tables of the site file, in the order they are to be tried.

The password of a trunk is no part of the site: it is given to the box by `branchline trunk secret`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from provisioning.site_check import Table

MOST_TRUNKS: Final = 16
MODES: Final = ["register", "address"]
TRANSPORTS: Final = ["udp", "tcp", "tls"]
FORMATS: Final = ["e164", "00", "national"]
CALLER_IDS: Final = ["own", "passthrough"]
IDENTITIES: Final = ["asserted", "from", "preferred"]
PRIVACIES: Final = ["anonymous", "asked"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_HOST: Final = re.compile(r"(?=.{1,253}$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?)+")
_USER: Final = re.compile(r"[A-Za-z0-9+_.!~*'()&=$,-]{1,64}")
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True)
class Trunk:
    """One trunk. "" stands for what the site file does not say.

    `mode`: "register" (we register as `user`), or "address" (each end knows the other by its address).
    `host` is the carrier's registrar or proxy, a name or an address; `port` 0 and `transport` "" leave that
    to DNS. `proxy` is where everything goes first (host or host:port). `number` is the line's own, E.164.
    `number_format` is how the carrier wants numbers: "e164" (+49...), "00" (0049...), "national" (as dialled
    in `country_code`, with `national_prefix`; the site's country where it says nothing). `caller_id`: "own"
    (always `number`) or "passthrough" (the caller's, where call control vouches for it). `identity`: the
    header that carries it. `privacy`: a private caller is "anonymous" in From, or only "asked" for by
    Privacy. `options_seconds`: how often the carrier is asked whether it is there, 0 for never;
    `answer_seconds`: how long it may take to say anything. `networks`: further sources of its calls;
    `media_networks`: where its audio may come from and go to; `authorities`: file of the authorities its TLS
    certificate may come from. `bulk`: register for all numbers at once (RFC 6140).
    """

    name: str
    mode: str
    host: str
    port: int = 0
    transport: str = ""
    user: str = ""
    auth_user: str = ""
    domain: str = ""
    proxy: str = ""
    number: str = ""
    most: int = 10
    number_format: str = "e164"
    country_code: str = ""
    national_prefix: str = "0"
    caller_id: str = "own"
    identity: str = "asserted"
    privacy: str = "anonymous"
    diversion: bool = False
    options_seconds: int = 25
    answer_seconds: int = 5
    expires: int = 600
    bulk: bool = False
    networks: tuple[str, ...] = ()
    media_networks: tuple[str, ...] = ()
    authorities: str = ""

    def at(self, code: str, prefix: str) -> "Trunk":
        """Return it as it is where the site stands: in the country of that code and national prefix."""
        if self.country_code or not code:
            return self
        return replace(
            self,
            country_code=code,
            national_prefix=prefix if self.national_prefix == "0" else self.national_prefix,
        )

    @property
    def realm_user(self) -> str:
        """The user name of our credentials."""
        return self.auth_user or self.user

    @property
    def home(self) -> str:
        """The domain of our address at the carrier's."""
        return self.domain or self.host

    @property
    def secret_name(self) -> str:
        """What the box's store calls its password."""
        return f"trunk {self.name}"

    @property
    def needs_dns(self) -> bool:
        """Whether the carrier's servers are found by asking DNS."""
        host = split_host(self.proxy)[0] if self.proxy else self.host
        return not is_network(host)

    def __str__(self) -> str:
        return self.name


def read_trunks(tables: list[Table]) -> tuple[Trunk, ...]:
    """Read the tables; each needs a name of its own."""
    found: list[Trunk] = []
    for table in tables:
        trunk = _trunk(table)
        if any(trunk.name == other.name for other in found):
            table.fault("name", f"{trunk.name} is the name of a trunk above", "write a name of its own")
        found.append(trunk)
    return tuple(found)


def _trunk(table: Table) -> Trunk:
    host = "a host name or IP address, such as sip.example.net"
    mode = table.choice("mode", MODES)
    needed = None if mode == "register" else ""
    trunk = Trunk(
        name=table.text("name", "a short name: a-z, 0-9 and -", matches(_NAME)),
        mode=mode,
        host=table.text("host", host, is_host),
        port=table.integer("port", 1, 65535, 0) if table.has("port") else 0,
        transport=table.choice("transport", TRANSPORTS, "udp") if table.has("transport") else "",
        user=table.text("user", "the user name at the carrier", _or_nothing(matches(_USER)), needed),
        auth_user=table.text("auth_user", "the user name of the password", _is_login, ""),
        domain=table.text("domain", "the carrier's domain", _or_nothing(is_host), ""),
        proxy=table.text("outbound_proxy", "a host, or host:port", _or_nothing(_is_proxy), ""),
        number=table.text("number", "a number like +4930123456", _or_nothing(matches(_E164)), ""),
        most=table.integer("most", 1, 1000, 10),
        number_format=table.choice("number_format", FORMATS, "e164"),
        country_code=table.text("country_code", "a country code such as 49", _is_code, ""),
        national_prefix=table.text(
            "national_prefix", "the prefix of national calls, such as 0", _is_code, "0"
        ),
        caller_id=table.choice("caller_id", CALLER_IDS, "own"),
        identity=table.choice("identity", IDENTITIES, "asserted"),
        privacy=table.choice("privacy", PRIVACIES, "anonymous"),
        diversion=table.flag("diversion", default=False),
        options_seconds=table.integer("options_seconds", 0, 3600, 25),
        answer_seconds=table.integer("answer_seconds", 2, 32, 5),
        expires=table.integer("expires", 60, 86400, 600),
        bulk=table.flag("bulk", default=False),
        networks=_networks(table, "networks"),
        media_networks=_networks(table, "media_networks"),
        authorities=table.text("authorities", "the full path of a PEM file", _is_path, ""),
    )
    table.close()
    return trunk


def _networks(table: Table, key: str) -> tuple[str, ...]:
    right = "a network such as 192.0.2.0/24"
    return table.texts(key, right, is_network, (), empty=True)


def matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    """Return a check for texts that match as a whole."""
    return lambda text: pattern.fullmatch(text) is not None


def _or_nothing(accept: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: not text or accept(text)


def is_host(text: str) -> bool:
    """Tell whether this is a host name or an IP address (IPv6 without brackets)."""
    return _HOST.fullmatch(text) is not None or (":" in text and is_network(text))


def is_network(text: str) -> bool:
    """Tell whether this is an IP network, or one address."""
    from ipaddress import ip_network

    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _is_proxy(text: str) -> bool:
    host, port = split_host(text)
    return is_host(host) and 0 <= port <= 65535


def split_host(text: str) -> tuple[str, int]:
    """Split host:port, [IPv6]:port or a host alone; port 0 where there is none, -1 where it is none."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") > 1:
        return text, 0
    else:
        host, _, port = text.partition(":")
    if not port:
        return host, 0
    return host, int(port) if port.isascii() and port.isdecimal() and len(port) <= 5 else -1


def _is_login(text: str) -> bool:
    return len(text) <= 128 and text.isprintable() and text.isascii()


def _is_code(text: str) -> bool:
    return len(text) <= 4 and (not text or (text.isascii() and text.isdecimal()))


def _is_path(text: str) -> bool:
    return not text or (text.startswith("/") and len(text) <= 256 and text.isprintable())
