"""A plan of tones sounds as its numbers say, without a seam, for ever or until it ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.tones import FULL, LEVEL, Plan, Tone, ToneError, second
from tests.support.audio import Samples, samples

PLANS = {  # dial, busy, ringback of some countries, information tones, call waiting
    "us dial": "350+440",
    "us ringback": "440+480/2000,0/4000",
    "uk busy": "400/375,0/375",
    "uk congestion": "400/400,0/350,400/225,0/525",
    "de ringback": "425/1000,0/4000",
    "it dial": "425/200,0/200,425/600,0/1000",
    "information": "!950/330,!1400/330,!1800/330,0/1000",
    "waiting": "!440/300,!0/10000,!440/300",
}


def frequencies(sound: Samples, rate: int) -> list[int]:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    top = [
        at
        for at in range(1, len(spectrum) - 1)
        if spectrum[at] > spectrum.max() / 3 and spectrum[at - 1] <= spectrum[at] >= spectrum[at + 1]
    ]
    return [round(at * rate / len(sound)) for at in top]


@pytest.mark.parametrize("text", PLANS.values(), ids=PLANS)
def test_what_is_printed_is_read_again(text: str) -> None:
    assert str(Plan.parse(text)) == text
    assert Plan.parse(str(Plan.parse(text))) == Plan.parse(text)
    assert len({Plan.parse(text), Plan.parse(text)}) == 1


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_the_frequencies_and_their_loudness(rate: int) -> None:
    got = samples(Tone(Plan.parse("350+440"), rate).read(rate))
    assert frequencies(got, rate) == [350, 440]
    for hertz in (350, 440):
        t = np.arange(rate) / rate
        amplitude = 2 * abs(np.mean(got * np.exp(-2j * np.pi * hertz * t)))
        assert 20 * np.log10(amplitude / 32767) + FULL == pytest.approx(LEVEL, abs=0.01)


def test_cadence_in_odd_pieces_is_the_cadence_in_one() -> None:
    plan = Plan.parse("400/400,0/350,400/225,0/525")
    whole = Tone(plan).read(16000)
    tone = Tone(plan)
    pieces = b""
    while len(pieces) < 32000:
        pieces += tone.read(333)
    assert pieces[:32000] == whole
    loud = [bool(np.any(samples(whole[at : at + 80])[5:] != 0)) for at in range(0, len(whole), 80)]
    edges = [i * 5 for i in range(1, len(loud)) if loud[i] != loud[i - 1]]
    assert edges == [400, 750, 975, 1500, 1900]


def test_a_tone_for_ever_has_no_seam() -> None:
    tone = Tone(Plan.parse("425"))
    got = samples(b"".join(tone.read(160) for _ in range(200)))
    assert frequencies(got, 8000) == [425]
    limit = 2 * np.pi * 425 / 8000 * np.abs(got).max()
    assert np.abs(np.diff(got)).max() < limit * 1.01


def test_information_tones_once_and_then_silence() -> None:
    tone = Tone(Plan.parse(PLANS["information"]))
    assert [frequencies(samples(tone.read(2640)), 8000)[0] // 10 for _ in range(3)] == [95, 140, 180]
    assert tone.read(80000) == bytes(160000)


def test_a_plan_that_is_played_once_ends() -> None:
    tone = Tone(Plan.parse("!440/300"))
    assert len(tone.read(8000)) == 4800
    assert tone.read(160) == b""


def test_a_tone_of_days_needs_no_more_than_one_of_seconds() -> None:
    tone = Tone(Plan.parse("425/1000,0/4000"))
    for _ in range(100):
        tone.read(50 * 8000)
    assert tone._part < 4


def test_four_loud_frequencies_do_not_clip() -> None:
    got = samples(second((300, 500, 700, 900), 8000, 3.0))
    assert np.abs(got).max() <= 32767


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "425/",
        "425/x",
        "425/0",
        "425/99999",
        "425,0",
        "!425",
        "1+2",
        "425/100,!425/100",
        "9000",
        "3+",
        "1,",
        "425/100," * 40 + "0/1",
        "300+400+500+600+700",
        "-425",
        "425/-3",
        "٤٢٥",
    ],
)
def test_what_is_no_plan_is_refused_with_its_part(text: str) -> None:
    if text == "425/":
        assert Plan.parse(text) == Plan.parse("425")
        return
    with pytest.raises(ToneError, match="tone"):
        Plan.parse(text)


@given(st.text("0123456789+/,! ", max_size=40))
def test_any_text_is_a_plan_or_an_error(text: str) -> None:
    try:
        plan = Plan.parse(text)
    except ToneError:
        return
    assert Plan.parse(str(plan)) == plan
