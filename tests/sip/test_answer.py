from sip.answer import Answer
from tests.sip.net import Bench, Phone, only, response


def test_a_status_alone_is_an_answer() -> None:
    assert Answer(403) == (403, (), b"", None)


def test_all_of_an_answer_reaches_the_wire() -> None:
    bench = Bench()
    bench.user.verdict = lambda _: Answer(488, (("X-A", "1"), ("X-A", "2")), b"why", "Not Today")
    sent = only(bench.feed(Phone().request("OPTIONS")))
    assert response([sent], 488).reason == "Not Today"
    assert sent.all("X-A") == ["1", "2"]
    assert sent.body == b"why"
    assert sent.get("Content-Length") == "3"
