from sip.listener import DEAF, End
from tests.sip.net import ANSWER, OFFER, Bench, Phone


def test_a_session_nobody_listens_to_lives_and_ends_all_the_same() -> None:
    bench, phone = Bench(), Phone()
    bench.user.on_incoming = lambda session, _: setattr(session, "listener", DEAF)
    bench.feed(phone.invite())
    session = bench.user.sessions[0]
    session.accept(ANSWER, bench.now)
    bench.feed(phone.request("ACK", to_tag=session.tag, cseq=1))
    session.reoffer(OFFER, bench.now)
    bench.feed(phone.request("BYE", to_tag=session.tag))
    assert session.state == "ended"
    assert bench.drained()


def test_an_end_without_response_is_complete() -> None:
    assert End(408, "", far=True, why="timeout").response is None
