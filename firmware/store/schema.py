"""Every stored column, declared once: what it is, why it is held and how long, how it lies on disk.

DDL, insert and select code (`rows.py`), erasure and, later, the record of processing, the export and the
retention sweep are generated from these tables. A column of the database that is not here fails a test, and
so does one without a ground. To add one: declare it here, raise VERSION and add a step in `migrations.py`.
"""

from dataclasses import dataclass
from typing import Literal

from firmware.labels import Basis, Category, Erase, Purpose, Retention, Storage

VERSION = 7
"""Kept in the database as user_version."""

ColumnType = Literal["id", "text", "bytes", "int", "real"]
"""`id`: 128 random bits, 32 hex digits outside, 16 bytes inside."""


@dataclass(frozen=True, slots=True)
class Use:
    """Why something is held, on which lawful ground, and for how long."""

    purpose: Purpose
    basis: Basis
    retention: Retention


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its labels, and `sql`, the constraint. A blind index hashes the column `of`.

    `export`: part of what a person is given who asks for their data. `erase`: see `labels.Erase`.
    """

    name: str
    type: ColumnType
    category: Category
    use: Use
    storage: Storage
    erase: Erase
    export: bool = False
    sql: str = "NOT NULL"
    of: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `person` names the column with the id of the person whose key seals the ENCRYPTED columns.

    `since` names the column from which retention counts; `sql` holds further constraints.
    """

    name: str
    columns: tuple[Column, ...]
    person: str = ""
    since: str = ""
    sql: tuple[str, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()

    def column(self, name: str) -> Column:
        """Return the declaration of one column."""
        return next(column for column in self.columns if column.name == name)


C, S, E = Category, Storage, Erase

_BOX = Use(Purpose.OPERATE_BOX, Basis.NOT_PERSONAL, Retention.WITH_BOX)
_TENANCY = Use(Purpose.OPERATE_BOX, Basis.NOT_PERSONAL, Retention.WITH_EXTENSION)
_CALL_TENANCY = Use(Purpose.OPERATE_BOX, Basis.NOT_PERSONAL, Retention.CALL_RECORD)
_PLAN = Use(Purpose.PROVIDE_CALLS, Basis.CONTRACT, Retention.WITH_EXTENSION)
_CALLER_NAME = Use(Purpose.SHOW_CALLER, Basis.LEGITIMATE_INTERESTS, Retention.WITH_EXTENSION)
_PHONE_ACCESS = Use(Purpose.SECURITY, Basis.CONTRACT, Retention.WITH_EXTENSION)
_HELP = Use(Purpose.SEND_HELP, Basis.VITAL_INTERESTS, Retention.WITH_EXTENSION)
_REGISTRATION = Use(Purpose.REACH_PHONE, Basis.CONTRACT, Retention.REGISTRATION)
_RECORD = Use(Purpose.CALL_RECORD, Basis.LEGITIMATE_INTERESTS, Retention.CALL_RECORD)
_RECORD_CLOCK = Use(Purpose.CALL_RECORD, Basis.NOT_PERSONAL, Retention.CALL_RECORD)
_QUALITY = Use(Purpose.QUALITY, Basis.LEGITIMATE_INTERESTS, Retention.CALL_QUALITY)
_BOX_KEYS = Use(Purpose.SECURITY, Basis.NOT_PERSONAL, Retention.WITH_BOX)
_AUDIT_ORDER = Use(Purpose.ACCOUNTABILITY, Basis.NOT_PERSONAL, Retention.AUDIT)
_AUDIT = Use(Purpose.ACCOUNTABILITY, Basis.LEGITIMATE_INTERESTS, Retention.AUDIT)

_KEY = "PRIMARY KEY NOT NULL"
_OF_EXTENSION = "NOT NULL REFERENCES extension(id) ON DELETE CASCADE"
_ONE_OF_EXTENSION = "PRIMARY KEY NOT NULL REFERENCES extension(id) ON DELETE CASCADE"
_OF_GROUP = "NOT NULL REFERENCES ring_group(id) ON DELETE CASCADE"
_OF_TENANT = "NOT NULL REFERENCES tenant(id)"

TENANT = Table(
    "tenant",
    (
        Column("id", "id", C.OPERATIONS, _BOX, S.PLAIN, E.KEEP, sql=_KEY),
        Column("domain", "text", C.OPERATIONS, _BOX, S.PLAIN, E.KEEP, sql="NOT NULL UNIQUE"),
    ),
)

EXTENSION = Table(
    "extension",
    (
        Column("id", "id", C.PSEUDONYM, _PLAN, S.PLAIN, E.DELETE_ROW, export=True, sql=_KEY),
        Column("tenant", "id", C.OPERATIONS, _TENANCY, S.PLAIN, E.DELETE_ROW, sql=_OF_TENANT),
        Column("name", "text", C.NAME, _CALLER_NAME, S.ENCRYPTED, E.DELETE_ROW, export=True),
        # Recoverable, not hashed: phones are given it again. Exported as "held", never in clear.
        Column("secret", "text", C.CREDENTIALS, _PHONE_ACCESS, S.ENCRYPTED, E.DELETE_ROW),
        # Whether who they talk with is told who they are.
        Column(
            "private", "int", C.SETTINGS, _PLAN, S.PLAIN, E.DELETE_ROW, export=True, sql="NOT NULL DEFAULT 0"
        ),
        # The digest algorithms accepted, words between blanks; empty: whatever the listener offers.
        Column("digest", "text", C.SETTINGS, _PHONE_ACCESS, S.PLAIN, E.DELETE_ROW, export=True, sql=""),
    ),
    person="id",
)

NUMBER = Table(
    "number",
    (
        Column("id", "id", C.PSEUDONYM, _PLAN, S.PLAIN, E.DELETE_ROW, sql=_KEY),
        Column("tenant", "id", C.OPERATIONS, _TENANCY, S.PLAIN, E.DELETE_ROW, sql=_OF_TENANT),
        Column("extension", "id", C.PSEUDONYM, _PLAN, S.PLAIN, E.DELETE_ROW, export=True, sql=_OF_EXTENSION),
        # 0 is the extension's own number, 1 and up its aliases in order.
        Column("position", "int", C.SETTINGS, _PLAN, S.PLAIN, E.DELETE_ROW, export=True),
        Column("digits", "text", C.PHONE_NUMBER, _PLAN, S.ENCRYPTED, E.DELETE_ROW, export=True),
        Column("digits_index", "bytes", C.PHONE_NUMBER, _PLAN, S.BLIND, E.DELETE_ROW, of="digits"),
    ),
    person="extension",
    sql=("UNIQUE (tenant, digits_index)",),
    indexes=(("extension",),),
)

# What becomes of calls to somebody. `occasion` is an Occasion, or "do-not-disturb" or "one-call" (no second
# call while they talk), which have no target.
DIVERSION = Table(
    "diversion",
    (
        Column("id", "id", C.PSEUDONYM, _PLAN, S.PLAIN, E.DELETE_ROW, sql=_KEY),
        Column("extension", "id", C.PSEUDONYM, _PLAN, S.PLAIN, E.DELETE_ROW, export=True, sql=_OF_EXTENSION),
        Column("occasion", "text", C.SETTINGS, _PLAN, S.PLAIN, E.DELETE_ROW, export=True),
        Column("target", "text", C.PHONE_NUMBER, _PLAN, S.ENCRYPTED, E.DELETE_ROW, export=True, sql=""),
        Column("seconds", "int", C.SETTINGS, _PLAN, S.PLAIN, E.DELETE_ROW, export=True, sql=""),
    ),
    person="extension",
    sql=("UNIQUE (extension, occasion)",),
)

# How many messages wait for somebody; no row: none. Their text and sound are not here.
MAILBOX = Table(
    "mailbox",
    (
        Column(
            "extension", "id", C.PSEUDONYM, _PLAN, S.PLAIN, E.DELETE_ROW, export=True, sql=_ONE_OF_EXTENSION
        ),
        Column("new", "int", C.TRAFFIC, _PLAN, S.PLAIN, E.DELETE_ROW, export=True),
        Column("old", "int", C.TRAFFIC, _PLAN, S.PLAIN, E.DELETE_ROW, export=True),
    ),
    person="extension",
)

# What somebody may do outside; no row: as the site says. `reach` and `countries` are words between blanks.
OUTWARD = Table(
    "outward",
    (
        Column(
            "extension", "id", C.PSEUDONYM, _PLAN, S.PLAIN, E.DELETE_ROW, export=True, sql=_ONE_OF_EXTENSION
        ),
        Column("reach", "text", C.SETTINGS, _PLAN, S.PLAIN, E.DELETE_ROW, export=True, sql=""),
        Column("countries", "text", C.SETTINGS, _PLAN, S.PLAIN, E.DELETE_ROW, export=True, sql=""),
        Column("at_once", "int", C.SETTINGS, _PLAN, S.PLAIN, E.DELETE_ROW, export=True, sql=""),
        Column("hourly", "int", C.SETTINGS, _PLAN, S.PLAIN, E.DELETE_ROW, export=True, sql=""),
        Column("shown", "text", C.PHONE_NUMBER, _PLAN, S.ENCRYPTED, E.DELETE_ROW, export=True),
        Column("help_number", "text", C.PHONE_NUMBER, _HELP, S.ENCRYPTED, E.DELETE_ROW, export=True),
        Column("location", "text", C.LOCATION, _HELP, S.ENCRYPTED, E.DELETE_ROW, export=True),
    ),
    person="extension",
)

# A ring group is a function of the office; who belongs to it is in group_member.
RING_GROUP = Table(
    "ring_group",
    (
        Column("id", "id", C.OPERATIONS, _BOX, S.PLAIN, E.KEEP, sql=_KEY),
        Column("tenant", "id", C.OPERATIONS, _BOX, S.PLAIN, E.KEEP, sql=_OF_TENANT),
        Column("digits", "text", C.OPERATIONS, _BOX, S.PLAIN, E.KEEP),
        Column("name", "text", C.OPERATIONS, _BOX, S.PLAIN, E.KEEP),
        Column("strategy", "text", C.OPERATIONS, _BOX, S.PLAIN, E.KEEP),
        Column("seconds", "int", C.OPERATIONS, _BOX, S.PLAIN, E.KEEP),
    ),
    sql=("UNIQUE (tenant, digits)",),
)

GROUP_MEMBER = Table(
    "group_member",
    (
        Column("id", "id", C.PSEUDONYM, _PLAN, S.PLAIN, E.DELETE_ROW, sql=_KEY),
        Column("ring_group", "id", C.PSEUDONYM, _PLAN, S.PLAIN, E.DELETE_ROW, export=True, sql=_OF_GROUP),
        Column("extension", "id", C.PSEUDONYM, _PLAN, S.PLAIN, E.DELETE_ROW, export=True, sql=_OF_EXTENSION),
        # 1 and up in the order of ringing; 0 is who has the call in the end.
        Column("position", "int", C.SETTINGS, _PLAN, S.PLAIN, E.DELETE_ROW, export=True),
    ),
    person="extension",
    sql=("UNIQUE (ring_group, position)",),
    indexes=(("extension",),),
)

BINDING = Table(
    "binding",
    (
        Column("id", "id", C.PSEUDONYM, _REGISTRATION, S.PLAIN, E.DELETE_ROW, sql=_KEY),
        Column(
            "extension",
            "id",
            C.PSEUDONYM,
            _REGISTRATION,
            S.PLAIN,
            E.DELETE_ROW,
            export=True,
            sql=_OF_EXTENSION,
        ),
        Column("contact", "text", C.IP_ADDRESS, _REGISTRATION, S.ENCRYPTED, E.DELETE_ROW, export=True),
        Column("transport", "text", C.SETTINGS, _REGISTRATION, S.PLAIN, E.DELETE_ROW, export=True),
        Column("source_host", "text", C.IP_ADDRESS, _REGISTRATION, S.ENCRYPTED, E.DELETE_ROW, export=True),
        Column("source_port", "int", C.IP_ADDRESS, _REGISTRATION, S.ENCRYPTED, E.DELETE_ROW, export=True),
        Column("local_host", "text", C.OPERATIONS, _REGISTRATION, S.PLAIN, E.DELETE_ROW),
        Column("local_port", "int", C.OPERATIONS, _REGISTRATION, S.PLAIN, E.DELETE_ROW),
        # Phones put their address into the Call-ID.
        Column("call_id", "text", C.DEVICE_ID, _REGISTRATION, S.ENCRYPTED, E.DELETE_ROW, export=True),
        Column("cseq", "int", C.OPERATIONS, _REGISTRATION, S.PLAIN, E.DELETE_ROW),
        Column("expires", "real", C.PRESENCE, _REGISTRATION, S.PLAIN, E.DELETE_ROW, export=True),
        Column("q", "int", C.SETTINGS, _REGISTRATION, S.PLAIN, E.DELETE_ROW),
        Column("instance", "text", C.DEVICE_ID, _REGISTRATION, S.ENCRYPTED, E.DELETE_ROW, export=True),
        # The proxies between the phone and the box, empty where there is none.
        Column("path", "text", C.IP_ADDRESS, _REGISTRATION, S.ENCRYPTED, E.DELETE_ROW, export=True, sql=""),
    ),
    person="extension",
    since="expires",
    indexes=(("extension",),),
)

# Times and outcome stay readable when one party is erased: they belong to the other party's record too.
CALL = Table(
    "call",
    (
        Column("id", "id", C.TRAFFIC, _RECORD, S.PLAIN, E.KEEP, export=True, sql=_KEY),
        Column("tenant", "id", C.OPERATIONS, _CALL_TENANCY, S.PLAIN, E.KEEP, sql=_OF_TENANT),
        Column("kind", "text", C.TRAFFIC, _RECORD, S.PLAIN, E.KEEP, export=True),
        Column("caller", "id", C.PSEUDONYM, _RECORD, S.PLAIN, E.DETACH, export=True, sql=""),
        Column("callee", "id", C.PSEUDONYM, _RECORD, S.PLAIN, E.DETACH, export=True, sql=""),
        # Internal calls only: an outside number is somebody's who never agreed to anything here.
        Column("dialled", "text", C.DIALLED_NUMBER, _RECORD, S.ENCRYPTED, E.SHRED, export=True, sql=""),
        Column("started", "real", C.TRAFFIC, _RECORD, S.PLAIN, E.KEEP, export=True),
        Column("answered", "real", C.TRAFFIC, _RECORD, S.PLAIN, E.KEEP, export=True, sql=""),
        Column("ended", "real", C.TRAFFIC, _RECORD, S.PLAIN, E.KEEP, export=True),
        Column("started_boot", "real", C.TRAFFIC, _RECORD, S.PLAIN, E.KEEP),
        Column("answered_boot", "real", C.TRAFFIC, _RECORD, S.PLAIN, E.KEEP, sql=""),
        Column("ended_boot", "real", C.TRAFFIC, _RECORD, S.PLAIN, E.KEEP),
        Column("boot", "id", C.OPERATIONS, _RECORD_CLOCK, S.PLAIN, E.KEEP),
        Column("cause", "text", C.TRAFFIC, _RECORD, S.PLAIN, E.KEEP, export=True),
        Column("ended_by", "text", C.TRAFFIC, _RECORD, S.PLAIN, E.KEEP, export=True),
        # Which of the site's lines carried it: a word of the site file, to compare with the carrier's bill.
        Column("line", "text", C.OPERATIONS, _RECORD, S.PLAIN, E.KEEP, export=True, sql=""),
    ),
    person="caller",
    since="ended",
    indexes=(("started",),),
)

# How good a call was: one row for each side that spoke, only while the site monitors quality. The call's own
# record may go before or after it.
QUALITY = Table(
    "quality",
    (
        Column("id", "id", C.PSEUDONYM, _QUALITY, S.PLAIN, E.KEEP, sql=_KEY),
        Column("call", "id", C.PSEUDONYM, _QUALITY, S.PLAIN, E.KEEP, export=True),
        Column("speaker", "id", C.PSEUDONYM, _QUALITY, S.PLAIN, E.DETACH, export=True, sql=""),
        Column("side", "text", C.TRAFFIC, _QUALITY, S.PLAIN, E.KEEP, export=True),
        Column("ended", "real", C.TRAFFIC, _QUALITY, S.PLAIN, E.KEEP, export=True),
        Column("codec", "text", C.TRAFFIC, _QUALITY, S.PLAIN, E.KEEP, export=True),
        Column("packets", "int", C.TRAFFIC, _QUALITY, S.PLAIN, E.KEEP, export=True),
        Column("lost", "int", C.TRAFFIC, _QUALITY, S.PLAIN, E.KEEP, export=True),
        Column("jitter", "real", C.TRAFFIC, _QUALITY, S.PLAIN, E.KEEP, export=True),
        Column("round_trip", "real", C.TRAFFIC, _QUALITY, S.PLAIN, E.KEEP, export=True, sql=""),
        Column("mos", "real", C.TRAFFIC, _QUALITY, S.PLAIN, E.KEEP, export=True),
        Column("quiet", "int", C.TRAFFIC, _QUALITY, S.PLAIN, E.KEEP, export=True),
    ),
    person="speaker",
    since="ended",
    indexes=(("ended",),),
)

# Keys and certificates of the box itself, by fixed names.
SECRET = Table(
    "secret",
    (
        Column("name", "text", C.OPERATIONS, _BOX, S.PLAIN, E.KEEP, sql=_KEY),
        Column("data", "bytes", C.AUTHENTICATION, _BOX_KEYS, S.PLAIN, E.KEEP),
    ),
)

# In order of `sequence`, which counts acts of administration. The subject is a random id: once that person is
# erased nothing is left that it leads to, and the entry can stay as it was written.
AUDIT = Table(
    "audit",
    (
        Column("id", "id", C.OPERATIONS, _AUDIT_ORDER, S.PLAIN, E.KEEP, sql=_KEY),
        Column("sequence", "int", C.OPERATIONS, _AUDIT_ORDER, S.PLAIN, E.KEEP, sql="NOT NULL UNIQUE"),
        Column("role", "text", C.OPERATIONS, _AUDIT, S.PLAIN, E.KEEP, export=True),
        Column("operation", "text", C.OPERATIONS, _AUDIT, S.PLAIN, E.KEEP, export=True),
        Column("outcome", "text", C.OPERATIONS, _AUDIT, S.PLAIN, E.KEEP, export=True),
        Column("subject", "id", C.PSEUDONYM, _AUDIT, S.PLAIN, E.KEEP, export=True, sql=""),
        Column("wall", "real", C.OPERATIONS, _AUDIT, S.PLAIN, E.KEEP, export=True),
        Column("now", "real", C.OPERATIONS, _AUDIT_ORDER, S.PLAIN, E.KEEP),
        Column("boot", "id", C.OPERATIONS, _AUDIT_ORDER, S.PLAIN, E.KEEP),
    ),
    since="wall",
)

TABLES = (
    TENANT,
    EXTENSION,
    NUMBER,
    DIVERSION,
    OUTWARD,
    MAILBOX,
    RING_GROUP,
    GROUP_MEMBER,
    BINDING,
    CALL,
    QUALITY,
    SECRET,
    AUDIT,
)
