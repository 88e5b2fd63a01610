"""Presence documents (PIDF, RFC 3863; activities of RFC 4480), printed and read without an XML library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PIDF: Final = "application/pidf+xml"
ACTIVITIES: Final[Mapping[str, str]] = {
    "on-the-phone": "On the phone",
    "busy": "Busy",
    "away": "Away",
    "meeting": "In a meeting",
    "meal": "At table",
    "vacation": "On holiday",
    "travel": "Travelling",
}
"""Activities of RFC 4480 3.2 that we tell, with words for phones that show the note alone."""

_BASIC: Final = r"<(?:[\w.-]+:)?basic\s*>\s*(open|closed)\s*</"
_ACTIVITY: Final = rf"<(?:[\w.-]+:)?({'|'.join(ACTIVITIES)})\s*(?:/>|></)"
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether somebody can be reached, and what they do: a key of ACTIVITIES, or ""."""

    open: bool
    activity: str = ""


def document(presence: Presence, entity: str) -> bytes:
    """Return the body for somebody whose URI is `entity`, as the watcher wrote it."""
    note = ACTIVITIES.get(presence.activity, "")
    said = f"<note>{note}</note>" if note else ""
    doing = f"<rpid:{presence.activity}/>" if presence.activity else ""
    person = f'<dm:person id="person"><rpid:activities>{doing}</rpid:activities></dm:person>\r\n'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n'
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" '
        f'xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="{entity.translate(_ESCAPES)}">\r\n'
        f'<tuple id="phones"><status><basic>{"open" if presence.open else "closed"}</basic></status>'
        f"{said}</tuple>\r\n"
        f"{person if doing else ''}</presence>\r\n"
    ).encode()


def read(body: bytes) -> Presence | None:
    """Return what a phone's document says, of what we tell; None for one that says nothing.

    It looks for the elements alone, whatever their prefixes. Declarations (and so entities) and comments are
    not read at all: no phone needs them. With several tuples one that is open counts (RFC 3863 4.1.4).
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if "<!" in text:
        return None
    found = set(re.findall(_BASIC, text))
    activity = re.search(_ACTIVITY, text)
    if not found:
        return None
    return Presence("open" in found, "" if activity is None else activity[1])
