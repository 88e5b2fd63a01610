"""Diversion and History-Info, to the letter."""

from firmware.calls.leg import Diversion, Party
from firmware.lines.history import history
from firmware.store.model import Occasion

BEN, CARL, DORA = (Party(f"id-{n}", n, name) for n, name in (("102", "Ben"), ("103", ""), ("104", "Dora")))


def test_a_call_nobody_sent_on_has_no_history() -> None:
    assert history((), BEN, "192.0.2.1") == ()


def test_one_forward() -> None:
    assert history([Diversion(BEN, Occasion.NO_ANSWER)], CARL, "192.0.2.1") == (
        ("Diversion", '"Ben" <sip:102@192.0.2.1>;reason=no-answer;counter=1'),
        (
            "History-Info",
            "<sip:102@192.0.2.1>;index=1, <sip:103@192.0.2.1;cause=408>;index=1.1;mp=1",
        ),
    )


def test_the_latest_diversion_comes_first_and_the_history_in_order() -> None:
    said = history([Diversion(BEN, Occasion.ALWAYS), Diversion(CARL, Occasion.BUSY)], DORA, "192.0.2.1")
    assert said == (
        ("Diversion", "<sip:103@192.0.2.1>;reason=user-busy;counter=1"),
        ("Diversion", '"Ben" <sip:102@192.0.2.1>;reason=unconditional;counter=1'),
        (
            "History-Info",
            "<sip:102@192.0.2.1>;index=1, <sip:103@192.0.2.1;cause=302>;index=1.1;mp=1, "
            "<sip:104@192.0.2.1;cause=486>;index=1.1.1;mp=1.1",
        ),
    )
