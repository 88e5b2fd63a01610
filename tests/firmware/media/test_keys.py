"""Keys of SRTP in descriptions: handed across, never to where they protect nothing, never a downgrade."""

import asyncio
from base64 import b64encode

import pytest

from firmware.media import Description, NotAcceptable
from sip.sdes import Crypto
from tests.firmware.media.calls import running

OURS, THEIRS = b64encode(bytes(30)).decode(), b64encode(bytes([7]) * 30).decode()
SECURE = "m=audio {port} RTP/SAVP 0\na=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{key}\n"


def description(*media: str) -> Description:
    text = "v=0\no=- 1 1 IN IP4 10.1.2.4\ns=-\nc=IN IP4 10.1.2.4\nt=0 0\n" + "".join(media)
    return Description.parse(text.replace("\n", "\r\n").encode())


def secure(key: str, tag: int = 1, port: int = 4000) -> str:
    return SECURE.format(port=port, tag=tag, key=key)


def test_each_side_is_told_the_key_of_the_other() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                forwarded = bridge.offer("caller", description(secure(OURS)))
                assert forwarded.media[0].get_all("crypto") == [f"1 AES_CM_128_HMAC_SHA1_80 inline:{OURS}"]
                assert forwarded.media[0].proto == "RTP/SAVP"
                answer = bridge.answer("callee", description(secure(THEIRS, port=4010)))
                assert answer.media[0].get_all("crypto") == [f"1 AES_CM_128_HMAC_SHA1_80 inline:{THEIRS}"]
                assert answer.media[0].port == bridge.port("caller")

    asyncio.run(main())


@pytest.mark.parametrize(
    "answer",
    [
        "m=audio 4010 RTP/AVP 0\n",
        "m=audio 4010 RTP/SAVP 0\n",
        secure(THEIRS, tag=2),
        secure(THEIRS) + f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{OURS}\n",
    ],
)
def test_an_answer_that_would_weaken_the_offer_is_refused(answer: str) -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                bridge.offer("caller", description(secure(OURS)))
                with pytest.raises(NotAcceptable):
                    bridge.answer("callee", description(answer))

    asyncio.run(main())


def test_a_plain_line_carries_no_key_further() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                seen = bridge.offer("caller", description(secure(OURS).replace("RTP/SAVP", "RTP/AVP")))
                assert OURS not in str(seen)

    asyncio.run(main())


def test_a_line_with_keys_goes_before_a_plain_one_as_it_was_offered() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                seen = bridge.offer("caller", description(secure(OURS), "m=audio 4004 RTP/AVP 0\n"))
                assert [each.rejected for each in seen.media] == [False, True]

    asyncio.run(main())


def test_who_is_answered_by_nobody_gets_a_key_of_our_own() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                answer = bridge.hush(description(secure(OURS)))
                (value,) = answer.media[0].get_all("crypto")
                assert Crypto.parse(value).suite == "AES_CM_128_HMAC_SHA1_80"
                assert OURS not in value

    asyncio.run(main())
