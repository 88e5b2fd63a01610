"""The E-model against what others published about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.emodel import BARE, BEST, CODECS, Path, mos, mouth_to_ear, rating


def test_default_values_give_the_rating_that_g107_names() -> None:
    assert rating(Path()) == pytest.approx(93.2)
    assert mos(93.2) == pytest.approx(4.41, abs=0.005)


@pytest.mark.parametrize(
    ("rated", "score"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1.0)]
)
def test_scores_of_g107_annex_b(rated: float, score: float) -> None:
    assert mos(rated) == pytest.approx(score, abs=0.01)


@pytest.mark.parametrize("delay", range(0, 301, 20))
def test_delay_costs_what_cole_and_rosenbluth_fitted(delay: int) -> None:
    """Voice over IP performance monitoring, ACM SIGCOMM CCR 31(2), 2001: Id = 0.024 d + 0.11 (d - 177.3)+."""
    fitted = 0.024 * delay + 0.11 * max(0.0, delay - 177.3)
    assert BEST - rating(Path(delay=delay)) == pytest.approx(fitted, abs=1.0)


@pytest.mark.parametrize(("loss", "concealed", "bare"), [(1, 3.64, 17.9), (2, 7.0, 30.2), (5, 15.8, 51.1)])
def test_loss_costs_what_g113_says(loss: float, concealed: float, bare: float) -> None:
    path = Path(loss / 100)
    assert BEST - rating(path) == pytest.approx(concealed, abs=0.05)
    assert BEST - rating(path, BARE) == pytest.approx(bare, abs=0.05)


@given(st.floats(0, 1), st.floats(0, 1000), st.floats(1, 10), st.sampled_from(sorted(CODECS)))
def test_worse_is_never_better(loss: float, delay: float, burst: float, codec: str) -> None:
    here = rating(Path(loss, delay, burst), CODECS[codec])
    assert 0 <= here <= 100
    assert 1 <= mos(here) <= 4.5
    assert rating(Path(min(1.0, loss + 0.01), delay, burst), CODECS[codec]) <= here
    assert rating(Path(loss, delay + 10, burst), CODECS[codec]) <= here + 1e-9


def test_mouth_to_ear() -> None:
    assert mouth_to_ear(30, 2) == 30 + 20 + 20
    assert mouth_to_ear(30, 40) == 30 + 20 + 80
    assert mouth_to_ear(30, 40, within=100) == 30 + 20 + 100
