"""The site: one human-readable TOML file read into one immutable, validated snapshot.

The file holds network, listeners, limits and features: no person's data and no secret, those live in the
box's store. `read_site` reads the file it is given, `parse_site` a text; both read the country's profile.
Anything unknown, missing or wrong is refused with `SiteError`, which names every fault of the file at once.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from provisioning.site_check import Document, Fault, SiteError, Table
from provisioning.site_codes import Codes, read_codes
from provisioning.site_desk import Desk, read_desk
from provisioning.site_dialling import (
    NOWHERE,
    Dialling,
    Home,
    at_home,
    help_forms,
    read_dialling,
    read_home,
    read_notify,
    read_services,
)
from provisioning.site_dns import Dns, read_dns
from provisioning.site_media import ADDRESS, Media, is_address, read_media
from provisioning.site_money import is_zone
from provisioning.site_sounds import MOST_ROOMS, Room, Sounds, read_rooms, read_sounds
from provisioning.site_trunk import MOST_TRUNKS, Trunk, read_trunks

__all__ = [
    "Calls",
    "Country",
    "Desk",
    "Fault",
    "Listener",
    "Log",
    "Media",
    "Registration",
    "Room",
    "Sip",
    "Site",
    "SiteError",
    "Sounds",
    "Trunk",
    "countries",
    "is_address",
    "parse_country",
    "parse_site",
    "read_country",
    "read_site",
]


LARGEST: Final = 65536
"""Bytes a site file may have."""

PORTS: Final = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 8088, "wss": 8089}
"""The transports of listeners, and the port where the site names none."""
DIGESTS: Final = ["MD5", "SHA-256", "SHA-512-256"]
LOG_LEVELS: Final = ["quiet", "normal", "detailed"]
PORTS_PER_CALL: Final = 4
"""RTP and RTCP towards each of the two parties."""

_COUNTRIES: Final = Path(__file__).parent / "countries"


@dataclass(frozen=True, slots=True)
class Country:
    """What differs from country to country: `emergency` is never empty.

    `services`: the number of an emergency service (RFC 5031) where it is not the first of `emergency`.
    """

    code: str
    name: str
    emergency: tuple[str, ...]
    home: Home = NOWHERE
    services: tuple[tuple[str, str], ...] = ()
    zone: str = ""
    """The time zone of a country that has one; "" where it has several."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One place where the box listens for SIP; two of the same transport, address and port are equal.

    `origins`: the web pages whose scripts may connect ("https://phone.example.com", "*" for all); ws and wss.
    `digest`: the algorithms offered there; empty: those of `Sip`.
    """

    transport: str
    address: str
    port: int
    origins: tuple[str, ...] = field(default=(), compare=False)
    digest: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.transport} {address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Registration:
    """How long a phone's registration may last, in seconds, and how many phones may share one extension."""

    shortest: int
    longest: int
    phones: int


@dataclass(frozen=True, slots=True)
class Sip:
    """How phones prove who they are, and after how many seconds a call must show that it is alive.

    `digest`: the algorithms of challenges, of which the strongest stands first (RFC 8760 2.4).
    `session_seconds`: the interval we ask for (RFC 4028; 0: only if the phone asks), `shortest_session`: the
    shortest we grant.
    """

    digest: tuple[str, ...]
    session_seconds: int = 1800
    shortest_session: int = 90


@dataclass(frozen=True, slots=True)
class Calls:
    """How many calls may run at once, and for how many seconds a phone rings."""

    most: int
    ring_seconds: int


@dataclass(frozen=True, slots=True)
class Log:
    """How much the box tells, and the kilobytes its log file may grow to."""

    level: str
    file_kilobytes: int


@dataclass(frozen=True, slots=True)
class Site:
    """Everything the site file says, checked."""

    name: str
    country: Country
    listeners: tuple[Listener, ...]
    media: Media
    sip: Sip
    registration: Registration
    calls: Calls
    log: Log
    codes: Codes = ()
    dns: Dns | None = None
    dialling: Dialling | None = None
    """How the site calls outside; None: it says nothing about that."""
    notify: tuple[str, ...] = ()
    """Whose phones are told of a call for help."""
    trunks: tuple[Trunk, ...] = ()
    desk: Desk = field(default_factory=Desk)
    sounds: Sounds = field(default_factory=Sounds)
    rooms: tuple[Room, ...] = ()

    @property
    def digests(self) -> frozenset[str]:
        """Every algorithm some listener offers."""
        return frozenset(name for one in self.listeners for name in one.digest or self.sip.digest)

    @property
    def emergency(self) -> dict[str, str]:
        """Everything that is dialled here to call for help, and the emergency number each means."""
        return help_forms(self.country.emergency, self.dialling.outside if self.dialling else "")


def read_site(path: Path) -> Site:
    """Read and check a site file; raise SiteError with all its faults (OSError never leaves)."""
    return parse_site(_text(path), str(path))


def parse_site(text: str, file: str = "site.toml") -> Site:
    """Check the text of a site file; `file` is its name in faults."""
    document, root = _parsed(text, file)
    site = _site(document, root)
    if document.faults:
        raise SiteError(document.faults)
    return site


def read_country(code: str) -> Country:
    """Read a country's profile; raise SiteError when it is damaged or names no emergency number."""
    path = _COUNTRIES / f"{code}.toml"
    return parse_country(_text(path), code, str(path))


def parse_country(text: str, code: str, file: str) -> Country:
    """Check the text of a country profile."""
    document, root = _parsed(text, file)
    country = Country(
        code,
        root.text("name", "the country's name", bool),
        root.texts("emergency", "emergency numbers such as 112", lambda number: _digits(number, 2, 8)),
        read_home(root),
        read_services(root.table("services")),
        root.text("zone", "the one time zone of the country, such as Europe/Berlin", is_zone, ""),
    )
    root.close()
    for service, number in country.services:
        if number not in country.emergency:
            right = "write one of them"
            document.fault(("services", service), f"{number} is no emergency number of the country", right)
    if document.faults:
        raise SiteError(document.faults)
    return country


def countries() -> list[str]:
    """Return the codes of the country profiles there are."""
    return sorted(path.stem for path in _COUNTRIES.glob("*.toml"))


def _text(path: Path) -> str:
    name = str(path)
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for without end
            raise SiteError([Fault(name, 0, "", "not a file", "put a readable file there")])
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
        raise SiteError([Fault(name, 0, "", why, "put a readable file there")]) from error
    if len(data) > LARGEST:
        raise SiteError([Fault(name, 0, "", f"larger than {LARGEST} bytes", "keep the site file short")])
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SiteError([Fault(name, line, "", "not UTF-8 text", "save the file as UTF-8")]) from error


def _parsed(text: str, file: str) -> tuple[Document, Table]:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SiteError([_syntax(text, file, str(error))]) from error
    except RecursionError as error:
        raise SiteError([Fault(file, 0, "", "nested too deeply", "write plain keys and tables")]) from error
    document = Document(file, text)
    return document, Table(document, (), values)


def _syntax(text: str, file: str, message: str) -> Fault:
    """Turn tomllib's `Unclosed array (at line 3, column 7)` into a fault with line and key."""
    why, _, place = message.rpartition(" (at ")
    lines = text.splitlines() or [""]
    digits = place.partition("line ")[2].partition(",")[0]
    line = int(digits) if digits.isdecimal() else len(lines)
    written = lines[min(line, len(lines)) - 1].partition("=")[0].strip().strip("[]")
    key = written if len(written) <= 40 and written.replace("_", "").replace(".", "").isalnum() else ""
    right = 'write key = value, one a line, texts in double quotes: name = "Branch office"'
    return Fault(file, line, key, f"not TOML: {why[:1].lower()}{why[1:]}", right)


def _site(document: Document, root: Table) -> Site:
    name = root.text("name", "the site's name, 1 to 64 printable characters", _is_name)
    country = root.choice("country", countries())
    listeners = _listeners(root.tables("listener", 16))
    media = read_media(root.table("media", required=True))
    sip = _sip(root.table("sip"))
    registration = _registration(root.table("registration"))
    calls = _calls(root.table("calls"))
    log = root.table("log")
    level = log.choice("level", LOG_LEVELS, "normal")
    kilobytes = log.integer("file_kilobytes", 64, 1048576, 4096)
    log.close()
    codes = read_codes(root.table("codes"))
    dns = read_dns(root)
    dialling = read_dialling(root.table("dialling")) if root.has("dialling") else None
    notify = read_notify(root.table("emergency"))
    trunks = read_trunks(root.tables("trunk", MOST_TRUNKS, required=False))
    desk = read_desk(root.table("desk"), root.table("park"))
    sounds = read_sounds(root.table("sounds"))
    rooms = read_rooms(root.tables("room", MOST_ROOMS, required=False), desk.slots)
    root.close()
    if document.faults:  # SiteError follows; what depends on several values would only be noise
        return Site(
            name, Country(country, "", ()), listeners, media, sip, registration, calls, Log(level, kilobytes)
        )
    _check_ports(document, listeners, media, calls)
    profile = read_country(country)
    if dialling is not None or trunks:
        dialling = at_home(document, dialling or Dialling(), profile.home, profile.emergency)
    home = profile.home if dialling is None else dialling.home
    trunks = tuple(trunk.at(home.code, home.trunk) for trunk in trunks)
    _check_trunks(document, listeners, trunks, dns)
    for number, room in enumerate(rooms):
        if room.number in profile.emergency:
            document.fault(
                ("room", number, "number"), f"{room.number} calls for help", "write another number"
            )
    logged = Log(level, kilobytes)
    return Site(
        name,
        profile,
        listeners,
        media,
        sip,
        registration,
        calls,
        logged,
        codes,
        dns,
        dialling,
        notify,
        trunks,
        desk,
        sounds,
        rooms,
    )


def _check_trunks(
    document: Document, listeners: tuple[Listener, ...], trunks: tuple[Trunk, ...], dns: Dns | None
) -> None:
    speaks_udp = any(listener.transport == "udp" for listener in listeners)
    for number, trunk in enumerate(trunks):
        if trunk.number_format == "national" and not trunk.country_code:
            document.fault(
                ("trunk", number, "country_code"),
                "missing",
                "add it: national numbers are those of one country",
            )
        if dns is None and trunk.needs_dns:
            document.fault(
                ("trunk", number, "host"),
                f"{trunk.name} is found by name, and the box has no DNS server to ask",
                'add [dns] with servers = ["192.0.2.53"], or write an address here',
            )
        if trunk.transport in {"", "udp"} and not speaks_udp:
            document.fault(
                ("trunk", number, "transport"),
                f"{trunk.name} speaks UDP, and the box listens nowhere for that",
                'add a [[listener]] with transport = "udp", or write tcp or tls here',
            )


def _check_ports(document: Document, listeners: tuple[Listener, ...], media: Media, calls: Calls) -> None:
    ports = media.last_port - media.first_port + 1
    needed = calls.most * PORTS_PER_CALL
    if needed > ports:
        document.fault(
            ("media", "last_port"),
            f"{calls.most} calls (calls.most) need {needed} media ports, there are {max(ports, 0)}",
            f"write at least {media.first_port + needed - 1} or allow fewer calls",
        )
    for number, listener in enumerate(listeners):
        within = media.first_port <= listener.port <= media.last_port
        if within and listener.transport == "udp" and listener.address in media.addresses:
            document.fault(
                ("listener", number, "port"),
                f"{listener.port} is one of the media ports {media.first_port} to {media.last_port}",
                "write a port outside of them",
            )


def _listeners(tables: list[Table]) -> tuple[Listener, ...]:
    found: list[Listener] = []
    for table in tables:
        transport = table.choice("transport", list(PORTS))
        right = "the origin of a web page such as https://phone.example.com"
        listener = Listener(
            transport,
            table.text("address", ADDRESS, is_address),
            table.integer("port", 1, 65535, PORTS[transport]),
            table.texts("origins", right, is_origin, ()) if table.has("origins") else (),
            _digest(table) if table.has("digest") else (),
        )
        if listener.origins and transport not in {"ws", "wss"}:
            table.fault("origins", f"{transport} has no web pages", "keep it for ws and wss")
        table.close()
        for other in found:
            if _same_place(listener, other):
                table.fault("port", f"{listener} takes the place of {other}", "write a free port")
        found.append(listener)
    return tuple(found)


def _same_place(one: Listener, other: Listener) -> bool:
    return (one.address, one.port, one.transport == "udp") == (
        other.address,
        other.port,
        other.transport == "udp",
    )


def _sip(table: Table) -> Sip:
    digest = _digest(table)
    seconds = table.integer("session_seconds", 0, 86400, 1800)
    shortest = table.integer("shortest_session", 90, 3600, 90)
    if 0 < seconds < shortest:
        table.fault(
            "session_seconds",
            f"{seconds} is less than shortest_session, {shortest}",
            "write the longer time here, or 0 to ask for none",
        )
    table.close()
    return Sip(digest, seconds, shortest)


def _digest(table: Table) -> tuple[str, ...]:
    digest = table.texts("digest", "one of " + ", ".join(DIGESTS), DIGESTS.__contains__, ("MD5",))
    if len(set(digest)) != len(digest):
        table.fault("digest", "an algorithm is named twice", "name each once")
    return digest


def _registration(table: Table) -> Registration:
    shortest = table.integer("shortest", 30, 3600, 60)
    longest = table.integer("longest", 60, 86400, 3600)
    phones = table.integer("phones", 1, 20, 5)
    if longest < shortest:
        table.fault("longest", f"{longest} is less than shortest, {shortest}", "write the longer time here")
    table.close()
    return Registration(shortest, longest, phones)


def _calls(table: Table) -> Calls:
    calls = Calls(table.integer("most", 1, 2000, 100), table.integer("ring_seconds", 5, 600, 60))
    table.close()
    return calls


def _is_name(text: str) -> bool:
    return 1 <= len(text) <= 64 and text.isprintable()


def _digits(text: str, shortest: int, longest: int) -> bool:
    return text.isascii() and text.isdecimal() and shortest <= len(text) <= longest


def is_origin(text: str) -> bool:
    """Tell whether this is an origin as browsers write it (RFC 6454 6.2), or "*"."""
    scheme, _, host = text.partition("://")
    return text == "*" or (
        scheme in {"http", "https"}
        and host == host.lower()
        and host.isprintable()
        and not set(host) & set("/ @?#")
        and bool(host)
    )
