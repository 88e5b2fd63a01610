"""Why a call, or one leg of it, ended; `firmware.lines` maps this to status codes and back."""

from enum import Enum


class Cause(Enum):
    """Values are stable words: they are stored in call records and shown to the operator."""

    NORMAL = "normal"  # somebody hung up an answered call
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    REJECTED = "rejected"  # the person called said no, on any of the phones
    UNREACHABLE = "unreachable"  # no phone registered, or none could be reached
    UNKNOWN_NUMBER = "unknown-number"
    CANCELLED = "cancelled"  # the caller gave up before an answer
    ANSWERED_ELSEWHERE = "answered-elsewhere"  # another phone of the same person took it
    NOT_ALLOWED = "not-allowed"
    NOT_ACCEPTABLE = "not-acceptable"  # no common codec, or the offer makes no sense
    NO_LINE = "no-line"  # there is no line to the outside that could take the call
    CAPPED = "capped"  # more calls outside than the extension, or the line, may have
    LOCKED = "locked"  # calls of this kind are closed at this hour
    SPENT = "spent"  # the day's money of the extension, or of the line, is spent
    MADE_WAY = "made-way"  # it was ended because a call for help needed its line or its ports
    MEDIA_TIMEOUT = "media-timeout"
    GLARE = "glare"  # both sides changed the session at once; only ever refuses a re-offer
    OVERLOAD = "overload"
    FAILED = "failed"  # a fault, ours or the peer's; the journal knows more
    SHUTDOWN = "shutdown"
