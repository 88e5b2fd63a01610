"""G.711 against its formulas, L16, and what every codec owes."""

import struct
from collections.abc import Callable

import pytest

from rtp.codec import CodecError, available, make
from rtp.codec.g711 import ALAW_TO_ULAW, ULAW_TO_ALAW


def ulaw(code: int) -> int:
    """G.711 as its formula says, on a scale of 16 bits."""
    code ^= 0xFF
    size = (((code & 15) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -size if code & 0x80 else size


def alaw(code: int) -> int:
    code ^= 0x55
    exponent, mantissa = code >> 4 & 7, code & 15
    size = (mantissa << 4) + 8 if not exponent else (mantissa << 4) + 0x108 << exponent - 1
    return size if code & 0x80 else -size


@pytest.mark.parametrize(("name", "law"), [("pcmu", ulaw), ("pcma", alaw)])
def test_every_code_is_decoded_as_the_formula_says(name: str, law: Callable[[int], int]) -> None:
    codec = make(name, 8000)
    pcm = codec.decode(bytes(range(256)))
    assert list(struct.unpack("256h", pcm)) == [law(code) for code in range(256)]
    again = codec.encode(pcm)
    assert [law(code) for code in again] == [law(code) for code in range(256)]


def test_between_the_laws_each_code_goes_to_one_nearest_to_it() -> None:
    for code in range(256):
        error = abs(alaw(ULAW_TO_ALAW[code]) - ulaw(code))
        assert error == min(abs(alaw(other) - ulaw(code)) for other in range(256))
        error = abs(ulaw(ALAW_TO_ULAW[code]) - alaw(code))
        assert error == min(abs(ulaw(other) - alaw(code)) for other in range(256))


def test_l16_is_in_network_byte_order() -> None:
    codec = make("L16", 16000)
    assert (codec.name, codec.rate, codec.clock) == ("l16", 16000, 16000)
    assert codec.encode(struct.pack("2h", 1, -2)) == b"\x00\x01\xff\xfe"
    assert struct.unpack("2h", codec.decode(b"\x00\x01\xff\xfe\x55")) == (1, -2)


@pytest.mark.parametrize("name", ["pcmu", "pcma", "l16"])
def test_what_is_lost_before_anything_came_is_silence(name: str) -> None:
    codec = make(name, 8000)
    assert codec.lost(160) == bytes(320)
    assert codec.recover(b"", 160) == bytes(320)
    assert codec.decode(b"") == b""
    codec.close()


def test_every_codec_that_is_available_can_be_made() -> None:
    for name, clock in available():
        codec = make(name, clock)
        assert (codec.name, codec.clock) == (name, clock)
        silence = bytes(codec.rate // 50 * 2)
        assert len(codec.decode(codec.encode(silence))) == len(silence)
        codec.close()


@pytest.mark.parametrize(("name", "clock"), [("pcmu", 16000), ("nosuch", 8000), ("l16", 44100)])
def test_another_is_refused_in_one_line(name: str, clock: int) -> None:
    with pytest.raises(CodecError, match=f"no codec '{name}' with a clock of {clock} Hz"):
        make(name, clock)
