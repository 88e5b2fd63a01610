from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.errors import BadMessage, LocalError
from sip.offer import (
    answer_direction,
    check_answer,
    check_new_offer,
    hold,
    on_hold,
    reject,
    reverse,
    succeed,
)
from sip.sdp import DIRECTIONS, Connection, Media, SessionDescription
from tests.sip.messages import SDP

OFFER = SessionDescription.parse(SDP)
AUDIO = OFFER.media[0]
VIDEO = Media("video", 5000, "RTP/AVP", ("96",), Connection("192.0.2.10"), (("rtpmap", "96 VP8/90000"),))
BOTH = replace(OFFER, media=(AUDIO, VIDEO))

directions = st.sampled_from(DIRECTIONS)


@pytest.mark.parametrize(
    ("offered", "wanted", "expected"),
    [
        ("sendrecv", "sendrecv", "sendrecv"),
        ("sendonly", "sendrecv", "recvonly"),
        ("recvonly", "sendrecv", "sendonly"),
        ("inactive", "sendrecv", "inactive"),
        ("sendrecv", "recvonly", "recvonly"),
        ("sendonly", "sendonly", "inactive"),
        ("sendrecv", "inactive", "inactive"),
    ],
)
def test_answer_direction(offered: str, wanted: str, expected: str) -> None:
    assert answer_direction(offered, wanted) == expected


@given(directions, directions)
def test_any_answered_direction_fits_its_offer(offered: str, wanted: str) -> None:
    assert reverse(reverse(offered)) == offered
    offer = replace(OFFER, media=(AUDIO.with_direction(offered),))
    answer = replace(OFFER, media=(AUDIO.with_direction(answer_direction(offered, wanted)),))
    check_answer(offer, answer)


@pytest.mark.parametrize(
    ("media", "fits"),
    [
        ((AUDIO, VIDEO), True),
        ((AUDIO, VIDEO.reject()), True),
        ((AUDIO.keep_formats(["0"]), VIDEO), True),
        # Another number for the same codec is the answerer's right.
        ((AUDIO, replace(VIDEO, formats=("100",), attributes=(("rtpmap", "100 vp8/90000"),))), True),
        ((AUDIO,), False),
        ((AUDIO, VIDEO, VIDEO), False),
        ((VIDEO, AUDIO), False),
        ((replace(AUDIO, proto="RTP/SAVP"), VIDEO), False),
        ((replace(AUDIO, formats=("9",), attributes=()), VIDEO), False),
        ((AUDIO, replace(VIDEO, attributes=(("rtpmap", "96 H264/90000"),))), False),
    ],
)
def test_answers(media: tuple[Media, ...], *, fits: bool) -> None:
    answer = replace(BOTH, media=media)
    if fits:
        check_answer(BOTH, answer)
        return
    with pytest.raises(BadMessage) as caught:
        check_answer(BOTH, answer)
    assert (caught.value.layer, caught.value.status) == ("sdp", 488)


def test_answers_may_not_take_up_what_was_not_offered() -> None:
    offer = replace(BOTH, media=(AUDIO.with_direction("sendonly"), VIDEO.reject()))
    check_answer(offer, replace(BOTH, media=(AUDIO.with_direction("recvonly"), VIDEO.reject())))
    for media in ((AUDIO, VIDEO.reject()), (AUDIO.with_direction("recvonly"), VIDEO)):
        with pytest.raises(BadMessage):
            check_answer(offer, replace(BOTH, media=media))


def test_unexplained_formats_compare_by_name() -> None:
    fax = Media("image", 5000, "udptl", ("t38",), Connection("192.0.2.10"))
    check_answer(replace(OFFER, media=(fax,)), replace(OFFER, media=(fax,)))
    with pytest.raises(BadMessage):
        check_answer(replace(OFFER, media=(fax,)), replace(OFFER, media=(replace(fax, formats=("t39",)),)))


def test_media_stay_in_their_places() -> None:
    check_new_offer(OFFER, BOTH)
    check_new_offer(BOTH, BOTH)
    check_new_offer(replace(BOTH, media=(AUDIO, VIDEO.reject())), replace(BOTH, media=(AUDIO, AUDIO)))
    for media in ((AUDIO,), (VIDEO, AUDIO), (AUDIO, AUDIO)):
        with pytest.raises(BadMessage):
            check_new_offer(BOTH, replace(BOTH, media=media))


def test_the_version_grows_with_each_change_only() -> None:
    other = OFFER.with_origin("5", 9, "x")
    assert succeed(OFFER, other) == OFFER
    changed = succeed(OFFER, replace(other, media=(AUDIO.with_direction("sendonly"),)))
    assert changed.origin == replace(OFFER.origin, version=OFFER.origin.version + 1)
    assert succeed(changed, OFFER).origin.version == OFFER.origin.version + 2


@pytest.mark.parametrize(
    ("direction", "held"), [("sendrecv", False), ("sendonly", True), ("recvonly", False), ("inactive", True)]
)
def test_on_hold(direction: str, *, held: bool) -> None:
    assert on_hold(AUDIO.with_direction(direction)) is held
    assert on_hold(replace(AUDIO, connection=Connection("::", "IP6")))


def test_hold() -> None:
    held = hold(replace(BOTH, media=(AUDIO, AUDIO.with_direction("recvonly"), VIDEO.reject())))
    assert [medium.direction for medium in held.media] == ["sendonly", "inactive", "sendrecv"]
    assert held.media[2].rejected
    assert hold(BOTH, "inactive").media[0].direction == "inactive"
    with pytest.raises(LocalError):
        hold(BOTH, "please")


def test_reject() -> None:
    answer = reject(BOTH, OFFER.with_origin("1", 1))
    check_answer(BOTH, answer)
    assert [medium.rejected for medium in answer.media] == [True, True]
