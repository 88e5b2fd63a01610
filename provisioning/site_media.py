"""Where audio passes, and what is done to it: `[media]` in the site file."""

from dataclasses import dataclass
from typing import Final, Literal, cast

from provisioning.site_check import Table

CODECS: Final = ("pcmu", "pcma", "g722", "opus", "l16")
TRANSCODE: Final = ("pcmu", "pcma")
Dtls = Literal["off", "browsers", "always"]
DTLS: Final = ["off", "browsers", "always"]
Srtp = Literal["passed", "converted", "required"]
SRTP: Final = ["passed", "converted", "required"]
ADDRESS: Final = "one IP address of this box, such as 192.0.2.10 or 2001:db8::10"


@dataclass(frozen=True, slots=True)
class Media:
    """Where audio passes: UDP ports first_port to last_port, both included.

    `address` is for all phones, or for those on IPv4 where `address6`, an IPv6 address, serves the others.
    `transcode` names the codecs that are turned into each other where two phones share none, best first.
    `monitor`: keep how good each call was. `srtp`: phones agree on encryption and their keys are passed on
    ("passed"), or each side of a call is encrypted if it can ("converted"), or no call goes without
    ("required", but for emergency calls). `dtls`: DTLS-SRTP is taken and offered to phones in browsers
    ("browsers"), or offered to every phone ("always"), or refused.
    """

    address: str
    first_port: int
    last_port: int
    address6: str = ""
    transcode: tuple[str, ...] = TRANSCODE
    monitor: bool = False
    srtp: Srtp = "passed"
    dtls: Dtls = "off"

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses, the usual one first."""
        return (self.address, self.address6) if self.address6 else (self.address,)


def read_media(table: Table) -> Media:
    """Read the table."""
    media = Media(
        table.text("address", ADDRESS, is_address),
        table.integer("first_port", 1024, 65534),
        table.integer("last_port", 1025, 65535),
        table.text("address6", "one IPv6 address of this box, such as 2001:db8::10", is_address6, "")
        if table.has("address6")
        else "",
        table.texts("transcode", "one of " + ", ".join(CODECS), CODECS.__contains__, TRANSCODE, empty=True),
        table.flag("monitor", default=False),
        cast(Srtp, table.choice("srtp", SRTP, "passed")),
        cast(Dtls, table.choice("dtls", DTLS, "off")),
    )
    if media.address6 and ":" in media.address:
        table.fault("address", f"{media.address} is an IPv6 address too", "write an IPv4 address here")
    if media.first_port % 2:
        table.fault(
            "first_port", f"{media.first_port} is odd", "write an even number: RTP takes the even ports"
        )
    table.close()
    return media


def is_address(text: str) -> bool:
    """Tell whether the text is one concrete IP address: phones are told it, so 0.0.0.0 or :: cannot do."""
    if ":" in text:
        return is_address6(text)
    parts = text.split(".")
    if len(parts) != 4 or not all(map(_is_octet, parts)):
        return False
    return 0 < int(parts[0]) < 224


def _is_octet(part: str) -> bool:
    return (
        part.isascii() and part.isdecimal() and len(part) <= 3 and str(int(part)) == part and int(part) <= 255
    )


def is_address6(text: str) -> bool:
    """Tell whether the text is one concrete IPv6 address in its usual spelling (RFC 5952).

    A link-local one cannot do: it means something only together with an interface, which a phone is not told.
    """
    from ipaddress import IPv6Address

    try:
        address = IPv6Address(text)
    except ValueError:
        return False
    special = address.is_unspecified or address.is_multicast or address.is_link_local or address.ipv4_mapped
    return not special and str(address) == text
