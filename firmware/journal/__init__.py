"""The log and the entry point of the audit: typed events, masked by construction."""

from firmware.journal.event import Fault, Field, Kind, Level, Word
from firmware.journal.journal import AuditEntry, Journal, Sink
from firmware.journal.sinks import CappedFile, Terminal

__all__ = [
    "AuditEntry",
    "CappedFile",
    "Fault",
    "Field",
    "Journal",
    "Kind",
    "Level",
    "Sink",
    "Terminal",
    "Word",
]
