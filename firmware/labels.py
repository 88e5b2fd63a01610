"""What every kind of personal data is called, why it is held, on which ground, and for how long.

`firmware/store/schema.py` labels every stored column with these words; the record of processing, the
export of one person's data, erasure and the retention sweep read them from there. `Personal` is how such
data appears in the log.
"""

import os
from enum import Enum, StrEnum
from functools import cache


class Category(StrEnum):
    """Kind of data: terms of fideslang 3 (Ethyca, CC-BY-4.0), extended under `telephony.`."""

    NAME = "user.name"
    PHONE_NUMBER = "user.contact.phone_number"
    CREDENTIALS = "user.authorization.credentials"
    PSEUDONYM = "user.unique_id.pseudonymous"
    LOCATION = "user.location"
    IP_ADDRESS = "user.device.ip_address"
    DEVICE_ID = "user.device.device_id"
    SETTINGS = "user.settings"
    OPERATIONS = "system.operations"
    AUTHENTICATION = "system.authentication"
    TRAFFIC = "telephony.traffic"
    """When, how long and how two parties were connected (Directive 2002/58/EC, art. 2 b)."""
    DIALLED_NUMBER = "telephony.dialled_number"
    DTMF = "telephony.dtmf"
    VOICEMAIL = "telephony.voicemail"
    RECORDING = "telephony.recording"
    PRESENCE = "telephony.presence"


class Purpose(StrEnum):
    """Why it is held; a purpose that is switched off takes its data with it."""

    PROVIDE_CALLS = "provide calls"
    REACH_PHONE = "reach the phone"
    SEND_HELP = "send help to the right place"
    SHOW_CALLER = "show who calls"
    CALL_RECORD = "settle questions about a call"
    BILLING = "billing"
    QUALITY = "find out why calls sound bad"
    SECURITY = "keep the box secure"
    ACCOUNTABILITY = "show who changed what"
    OPERATE_BOX = "operate the box"


class Basis(StrEnum):
    """Lawful ground: the letter of GDPR art. 6(1)."""

    CONSENT = "a"
    CONTRACT = "b"
    LEGAL_OBLIGATION = "c"
    VITAL_INTERESTS = "d"
    PUBLIC_TASK = "e"
    LEGITIMATE_INTERESTS = "f"
    NOT_PERSONAL = "-"
    """The column says nothing about anybody."""


class Retention(Enum):
    """How long it is held after `since`; days of None: as long as what it belongs to exists."""

    WITH_EXTENSION = ("with the extension", None)
    WITH_BOX = ("with the box", None)
    REGISTRATION = ("until the registration lapses", 1)
    CALL_RECORD = ("call record", 30)
    CALL_QUALITY = ("call quality", 14)
    AUDIT = ("audit", 365)

    def __init__(self, title: str, days: int | None) -> None:
        self.title = title
        self.days = days


class Storage(StrEnum):
    """How a column lies in the database file, which is itself encrypted page by page."""

    ENCRYPTED = "encrypted under the person's key"
    BLIND = "keyed hash for look-ups"
    PLAIN = "plain inside the encrypted file"


class Erase(StrEnum):
    """What erasing the person the row belongs to or mentions does to this column."""

    DELETE_ROW = "the row goes"
    SHRED = "emptied, and unreadable everywhere by its destroyed key"
    DETACH = "the mention of the person goes, the row stays"
    KEEP = "stays"


@cache
def _boot_key() -> bytes:
    return os.urandom(32)


class Personal:
    """A value about a person as a log field: prints as a pseudonym that holds until the next start.

    `kind` is a short fixed word ("ext", "num", "addr", "call"). Equal values print alike within one run, so
    that a reader can follow one phone through the log; the key of the hash is never written anywhere.
    """

    __slots__ = ("kind", "value")

    def __init__(self, kind: str, value: str) -> None:
        self.kind = kind
        self.value = value

    def __str__(self) -> str:
        from hashlib import blake2b

        digest = blake2b(self.value.encode("utf-8", "surrogatepass"), key=_boot_key(), digest_size=3)
        return f"{self.kind}~{digest.hexdigest()}"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Personal) and (self.kind, self.value) == (other.kind, other.value)

    def __hash__(self) -> int:
        return hash((self.kind, self.value))
