"""What is accepted as an extension, and the making of secrets."""

import os
import re
from collections.abc import Container

from firmware.store.errors import Invalid
from firmware.store.model import Extension, Group, Outward

MIN_SECRET = 16
MAX_SECRET = 128
MAX_NAME = 64
MAX_ALIASES = 16
MAX_EXTENSIONS = 5000
SECRET_LENGTH = 20
MAX_GROUPS = 200
MAX_MEMBERS = 50
MIN_RING, MAX_RING = 5, 600
MAX_LOCATION = 100
MAX_MESSAGES = 9999
MAX_DIGESTS = 8
MAX_AT_ONCE, MAX_HOURLY = 100, 10_000

_NUMBER = re.compile(r"[0-9]{2,6}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_COUNTRY = re.compile(r"[a-z]{2}")
_ALIAS = re.compile(r"\+?[0-9]{2,20}")
_ALGORITHM = re.compile(r"[A-Z0-9-]{1,20}")
_SECRET = re.compile(r"[!-~]+")
# People type these into phones: no letters or digits that look alike. 20 of 57 are 116 bits.
_ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def new_secret() -> str:
    """Return a random SIP secret."""
    letters = ""
    while len(letters) < SECRET_LENGTH:
        # 57 * 4 = 228: bytes beyond that are thrown away so that every letter is equally likely.
        drawn = (byte for byte in os.urandom(32) if byte < len(_ALPHABET) * 4)
        letters += "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in drawn)
    return letters[:SECRET_LENGTH]


def check(extension: Extension, row: int | None = None) -> None:
    """Raise Invalid where an extension cannot be accepted; `row` is named in the text."""
    if not _NUMBER.fullmatch(extension.number):
        raise invalid("the number must be 2 to 6 digits", "number", row)
    if len(extension.name) > MAX_NAME or not extension.name.isprintable():
        raise invalid(f"the name must be at most {MAX_NAME} printable characters", "name", row)
    if len(extension.aliases) > MAX_ALIASES:
        raise invalid(f"there can be at most {MAX_ALIASES} aliases", "aliases", row)
    if not all(_ALIAS.fullmatch(alias) for alias in extension.aliases):
        raise invalid("an alias must be 2 to 20 digits, with or without a leading +", "aliases", row)
    numbers = (extension.number, *extension.aliases)
    if len(set(numbers)) < len(numbers):
        raise invalid("an alias is given twice or is the number itself", "aliases", row)
    for forward in extension.forwards:
        if not _ALIAS.fullmatch(forward.target):
            raise invalid(
                "calls are forwarded to 2 to 20 digits, with or without a leading +", "forwards", row
            )
        check_seconds(forward.seconds)
    if len(extension.digest) > MAX_DIGESTS or not all(_ALGORITHM.fullmatch(one) for one in extension.digest):
        raise invalid(f"digest is at most {MAX_DIGESTS} algorithms such as SHA-256", "digest", row)
    check_outward(extension.outward)
    if not all(0 <= count <= MAX_MESSAGES for count in (extension.messages.new, extension.messages.old)):
        raise invalid(f"messages are counted from 0 to {MAX_MESSAGES}", "messages", row)


def check_outward(outward: Outward) -> None:
    """Raise Invalid for a number nobody can be shown, a place too long to tell, a cap out of range."""
    for field in ("shown", "help_number"):
        number: str = getattr(outward, field)
        if number and not _E164.fullmatch(number):
            raise invalid("a number shown outside is + and 7 to 15 digits, such as +49301234567", field, None)
    if len(outward.location) > MAX_LOCATION or not outward.location.isprintable():
        raise invalid(f"a location is at most {MAX_LOCATION} printable characters", "location", None)
    if not all(_COUNTRY.fullmatch(each) for each in outward.countries or ()):
        raise invalid("a country is two letters, such as at", "countries", None)
    for field, most in (("at_once", MAX_AT_ONCE), ("hourly", MAX_HOURLY)):
        cap: int | None = getattr(outward, field)
        if cap is not None and not 0 <= cap <= most:
            raise invalid(f"a cap is a whole number from 0 to {most}", field, None)


def check_group(group: Group, extensions: Container[str]) -> None:
    """Raise Invalid where a ring group cannot be accepted; `extensions` are the ids there are."""
    if not _NUMBER.fullmatch(group.number):
        raise invalid("the number must be 2 to 6 digits", "number", None)
    if len(group.name) > MAX_NAME or not group.name.isprintable():
        raise invalid(f"the name must be at most {MAX_NAME} printable characters", "name", None)
    if not 1 <= len(group.members) <= MAX_MEMBERS:
        raise invalid(f"a group has 1 to {MAX_MEMBERS} members", "members", None)
    if len(set(group.members)) < len(group.members):
        raise invalid("a member is named twice", "members", None)
    if not all(each in extensions for each in (*group.members, *([group.last] if group.last else []))):
        raise invalid("a member is no extension", "members", None)
    check_seconds(group.seconds)


def check_seconds(seconds: int | None) -> None:
    """Raise Invalid for a time that nobody rings."""
    if seconds is not None and not MIN_RING <= seconds <= MAX_RING:
        raise invalid(f"phones ring for {MIN_RING} to {MAX_RING} seconds", "seconds", None)


def check_secret(secret: str, row: int | None = None) -> None:
    """Raise Invalid for a secret that is short or plainly not random."""
    if len(secret) < MIN_SECRET:
        raise invalid(
            f"the secret must have at least {MIN_SECRET} characters: leave it out to get one", "secret", row
        )
    if len(secret) > MAX_SECRET or not _SECRET.fullmatch(secret):
        raise invalid(
            f"the secret must be at most {MAX_SECRET} ASCII characters without blanks", "secret", row
        )
    if len(set(secret)) < 6:
        raise invalid(
            "the secret repeats too few characters: leave it out to get a random one", "secret", row
        )


def invalid(text: str, field: str, row: int | None) -> Invalid:
    """Return the error for one value, with its row where it came from a file."""
    if row is None:
        return Invalid(text, field=field)
    return Invalid(f"row {row}: {text}; nothing was added", field=field, row=row)
