"""A storm of registrations at saturation beside a hundred calls: no packet of theirs is lost."""

import pytest

from tests.support.crowd import Crowd
from tests.support.load import in_child, outcome
from tests.support.office import Office
from tests.support.storm import storm
from tests.support.streams import Streams

pytestmark = [pytest.mark.e2e, pytest.mark.prove]
NET = 65
CALLS = 100
SECONDS = 10.0
MOST = 130  # of which new calls fill four fifths
SITE = {"most = 100": f"most = {MOST}", "last_port = 16783": f"last_port = {16383 + 4 * MOST}"}


@pytest.mark.timeout(120)
def test_a_storm_loses_no_packet_of_a_hundred_calls(office: Office) -> None:
    callees, callers = ["105", "106", "107"], ["101", "102"]
    logins = [office.login(number) for number in callers]
    addresses = office.address(10), office.address(11)
    storm(office.box.udp, addresses[1], [office.login(number) for number in callees])
    with Streams() as streams, Crowd(office.box.udp, addresses, logins, callees, streams) as crowd:
        streams.start()
        for _ in range(CALLS):
            crowd.begin()
            crowd.turn(0.02)
        crowd.settle(20)
        assert crowd.load.answered == CALLS
        crowd.wait(0.5)  # every end is learnt now: from here on each packet counts
        marks = streams.marks()
        numbers = office.numbers()
        child = in_child(
            "storm",
            server=office.box.udp,
            address=office.address(12),
            logins=[office.login(number) for number in numbers],
            seconds=SECONDS,
        )
        result = outcome(child, SECONDS + 30)
        streams.silent = True
        crowd.wait(0.5)
        lost, total = streams.lost_since(marks)
        load = crowd.finish()
    print(f"{result['rate']:.0f} registrations/s beside {CALLS} calls: {lost} of {total} packets lost")
    assert result["registered"] > 100
    assert result["refused"] == 0
    assert total > CALLS * 2 * 40 * SECONDS, "the load itself did not keep its pace"
    assert lost == 0
    assert load.ended == CALLS
