from base64 import b64encode
from dataclasses import replace

import pytest

from sip.errors import BadMessage
from sip.sdes import SUITES, Crypto, chosen, offered
from sip.sdp import Connection, Media

KEY = bytes(range(30))
INLINE = "inline:" + b64encode(KEY).decode()
LINE = f"1 AES_CM_128_HMAC_SHA1_80 {INLINE}"


def medium(*cryptos: str) -> Media:
    plain = Media("audio", 4000, "RTP/SAVP", ("0",), Connection.to("192.0.2.1"))
    return replace(plain, attributes=tuple(("crypto", value) for value in cryptos))


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize(
    "rest", ["", "|2^20", "|2^20|1:4", " WSH=64", "|2^31 UNENCRYPTED_SRTCP FEC_ORDER=FEC_SRTP"]
)
def test_read_and_printed_as_it_came(suite: str, rest: str) -> None:
    text = f"7 {suite} inline:{b64encode(bytes(SUITES[suite])).decode()}{rest}"
    crypto = Crypto.parse(text)
    assert (crypto.tag, crypto.suite, crypto.key) == (7, suite, bytes(SUITES[suite]))
    assert str(crypto) == text


def test_the_example_of_the_rfc() -> None:
    """RFC 4568 section 4, with the line folded there."""
    crypto = Crypto.parse(
        "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32"
    )
    assert crypto.key == b"=-n@%^x!Bjufr9)?,#5h\\`=&]{qiPQ"
    assert crypto.rest == "|2^20|1:32"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        f"1 AES_CM_128_HMAC_SHA1_80 {INLINE};{INLINE}",  # two keys
        f"x AES_CM_128_HMAC_SHA1_80 {INLINE}",
        f"1 F8_128_HMAC_SHA1_80 {INLINE}",
        f"1 AES_256_CM_HMAC_SHA1_80 {INLINE}",  # of another length
        "1 AES_CM_128_HMAC_SHA1_80 inline:",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAA",
        "1 AES_CM_128_HMAC_SHA1_80 prompt:AAAA",
        "9999999999 AES_CM_128_HMAC_SHA1_80 " + INLINE,
    ],
)
def test_what_cannot_be_used_is_refused_and_passed_over(value: str) -> None:
    with pytest.raises(BadMessage):
        Crypto.parse(value)
    assert offered(medium(value, LINE)) == [Crypto(1, "AES_CM_128_HMAC_SHA1_80", KEY)]


def test_a_key_is_in_no_repr_and_no_error() -> None:
    assert INLINE[7:] not in repr(Crypto.parse(LINE))
    assert repr(KEY) not in repr(Crypto.parse(LINE))
    with pytest.raises(BadMessage) as caught:
        Crypto.parse(f"1 NOTHING {INLINE}")
    assert INLINE[7:] not in str(caught.value)


def test_an_answer_chooses_one_key_of_the_offer() -> None:
    offer = medium(LINE, f"2 AES_CM_128_HMAC_SHA1_32 {INLINE}")
    theirs = b64encode(bytes(30)).decode()
    assert chosen(offer, medium(f"2 AES_CM_128_HMAC_SHA1_32 inline:{theirs}")).key == bytes(30)


@pytest.mark.parametrize(
    "answer",
    [
        (),
        ("junk",),
        (f"1 AES_CM_128_HMAC_SHA1_32 {INLINE}",),  # the tag of another suite
        (f"3 AES_CM_128_HMAC_SHA1_80 {INLINE}",),
        (LINE, LINE),
        (LINE, "junk"),
    ],
)
def test_any_other_answer_is_none(answer: tuple[str, ...]) -> None:
    with pytest.raises(BadMessage) as caught:
        chosen(medium(LINE), medium(*answer))
    assert caught.value.status == 488
