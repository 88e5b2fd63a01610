"""What we use of libspandsp (LGPL 2.1, Debian's libspandsp2), called by ctypes: opened when first needed.

Only parts that were seen to print nothing are used (the echo canceller of 0.0.6 prints for every sample).
Each class frees its state when it is closed or forgotten. All sound is 8000 samples a second unless said
otherwise.
"""

from __future__ import annotations

import ctypes

from rtp.codec import CodecError

LIBRARY = "libspandsp.so.2"
CNG, CED, CED_REVERSALS, ANSAM, ANSAM_REVERSALS = 1, 2, 3, 4, 5  # modem_connect_tones.h
_G722_RATE = 64000

_opened: ctypes.CDLL | None = None


def library() -> ctypes.CDLL:
    """Open libspandsp once; raises CodecError where it is not installed."""
    global _opened  # noqa: PLW0603  # a library is opened once a process
    if _opened is None:
        try:
            lib = ctypes.CDLL(LIBRARY)
        except OSError:
            raise CodecError(f"{LIBRARY} is not installed: apt-get install libspandsp2") from None
        state, sound, whole = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
        for name, result, *arguments in (
            ("g722_encode_init", state, state, whole, whole),
            ("g722_encode", whole, state, state, sound, whole),
            ("g722_encode_free", whole, state),
            ("g722_decode_init", state, state, whole, whole),
            ("g722_decode", whole, state, state, sound, whole),
            ("g722_decode_free", whole, state),
            ("dtmf_rx_init", state, state, state, state),
            ("dtmf_rx_parms", None, state, whole, whole, whole, whole),
            ("dtmf_rx", whole, state, sound, whole),
            ("dtmf_rx_get", ctypes.c_size_t, state, state, whole),
            ("dtmf_rx_free", whole, state),
            ("modem_connect_tones_rx_init", state, state, whole, state, state),
            ("modem_connect_tones_rx", whole, state, sound, whole),
            ("modem_connect_tones_rx_get", whole, state),
            ("modem_connect_tones_rx_free", whole, state),
        ):
            function = getattr(lib, name)
            function.restype = result
            function.argtypes = arguments
        _opened = lib
    return _opened


class _State:
    """One state of the library, made by NAME_init and freed by NAME_free."""

    __slots__ = ("_free", "_lib", "_state")

    def __init__(self, name: str, *arguments: int | None) -> None:
        self._state = None
        self._lib = library()
        self._free = getattr(self._lib, f"{name}_free")
        self._state = getattr(self._lib, f"{name}_init")(None, *arguments)
        if not self._state:
            raise CodecError(f"{LIBRARY} has no memory for another {name}")

    def close(self) -> None:
        """Free the state; it is not used again."""
        state, self._state = self._state, None
        if state:
            self._free(state)

    def __del__(self) -> None:
        self.close()


class G722Encoder(_State):
    """PCM at 16,000 Hz into G.722 at 64 kbit/s."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("g722_encode", _G722_RATE, 0)

    def encode(self, pcm: bytes) -> bytes:
        """Return one octet for every two samples."""
        samples = len(pcm) // 4 * 2
        room = ctypes.create_string_buffer(samples // 2 + 1)
        count = self._lib.g722_encode(self._state, room, pcm, samples)
        return room.raw[:count]


class G722Decoder(_State):
    """G.722 at 64 kbit/s into PCM at 16,000 Hz."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("g722_decode", _G722_RATE, 0)

    def decode(self, payload: bytes) -> bytes:
        """Return two samples for every octet."""
        room = ctypes.create_string_buffer(len(payload) * 4 + 4)
        count = self._lib.g722_decode(self._state, room, payload, len(payload))
        return room.raw[: count * 2]


class DtmfDetector(_State):
    """Finds DTMF in sound. Each digit is told once, as soon as it is certain (some 40 ms)."""

    __slots__ = ("_room",)

    def __init__(self, *, dial_tone: bool = False) -> None:
        """`dial_tone`: look through a dial tone of 350 and 440 Hz."""
        super().__init__("dtmf_rx", None, None)
        self._room = ctypes.create_string_buffer(130)
        if dial_tone:
            self._lib.dtmf_rx_parms(self._state, 1, -1, -1, -99)

    def hear(self, pcm: bytes) -> str:
        """Return the digits that began in this piece, mostly none."""
        self._lib.dtmf_rx(self._state, pcm, len(pcm) // 2)
        count = self._lib.dtmf_rx_get(self._state, self._room, 128)
        return self._room.raw[:count].decode("ascii") if count else ""


class ModemTone(_State):
    """Finds one kind of the tones by which modems greet: CNG, or with CED any of the answering tones."""

    __slots__ = ()

    def __init__(self, kind: int) -> None:
        super().__init__("modem_connect_tones_rx", kind, None, None)

    def hear(self, pcm: bytes) -> int:
        """Return which tone has been found since the last time, or 0."""
        self._lib.modem_connect_tones_rx(self._state, pcm, len(pcm) // 2)
        found: int = self._lib.modem_connect_tones_rx_get(self._state)
        return found
