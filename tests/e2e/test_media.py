"""Sound passes both ways, in many calls at once, and stops when a call is over."""

import time

import pytest

from tests.support.office import Office
from tests.support.sipp import row
from tests.support.streams import Stream, Streams

pytestmark = pytest.mark.e2e
NET = 62
CALLS = 20


def aim(office: Office, streams: Streams, log: tuple[str, ...]) -> int:
    """Send each stream to the port of the box its caller was told; how many there are."""
    ports = {stream.port: stream for stream in streams.streams}
    lines = [line.split() for line in log if line.startswith("media ")]
    for _, own, told in lines:
        streams.aim(ports[int(own)], (office.address(1), int(told)))
    return len(lines)


def test_twenty_calls_at_once_each_with_sound_both_ways(office: Office) -> None:
    """The callee sends back what it hears: a caller that hears its own words was heard."""
    with Streams() as streams, office.phone("102", 10):
        for _ in range(CALLS):
            streams.add(office.address(11))
        rows = [row("101", office.secret("101"), "102", stream.port) for stream in streams.streams]
        with (
            office.sipp("uas_talk", 10, calls=CALLS, echo=True, media_port=6000, words={"RING": 0}) as callee,
            office.sipp(
                "uac_talk",
                11,
                rows=rows,
                dialled="102",
                calls=CALLS,
                rate=100,
                words={"TALK": 4000},
            ) as caller,
        ):
            deadline = time.monotonic() + 10
            while len(caller.log()) < CALLS and time.monotonic() < deadline:
                time.sleep(0.02)
            assert len(office.calls()) == CALLS
            assert aim(office, streams, caller.log()) == CALLS
            streams.talk(2.0)
            caller.wait().expect(CALLS)
            callee.wait().expect(CALLS)
        for stream in streams.streams:
            assert stream.sent > 50
            assert list(stream.received) == [stream.number], "a stranger's words or none"
            # the first packets teach the box where the callee is; everything after must come back
            assert len(stream.received[stream.number]) >= stream.sent - 5
            assert stream.odd == stream.doubled == 0
        assert len({told for _, _, told in map(str.split, caller.log())}) == CALLS


def heard_since(stream: Stream, moment: float) -> bool:
    return stream.last_at > moment


def test_when_the_caller_crashes_the_call_ends_and_no_sound_flows(office: Office) -> None:
    """No farewell, only silence: the box notices, hangs up the callee and sends nothing to anybody."""
    before = len(office.records())
    with Streams() as streams, office.phone("104", 12):
        mouth, ear = streams.add(office.address(13)), streams.add(office.address(12), 6400)
        with (
            office.sipp("uas_talk", 12, seconds=50, words={"RING": 0, "MEDIA": 6400}) as callee,
            office.sipp(
                "uac_talk", 13, "103", dialled="104", media=mouth.port, words={"TALK": 50000}
            ) as caller,
        ):
            while not caller.log():
                time.sleep(0.02)
            aim_caller = int(caller.log()[0].split()[2])
            streams.aim(mouth, (office.address(1), aim_caller))
            streams.start()
            time.sleep(0.5)
            assert ear.received
            caller.kill()
            streams.aim(mouth, None)
            callee.wait().expect(1)  # the BYE of the box
        record = office.record(before + 1)
        ended = time.monotonic()
        time.sleep(0.5)
        assert not heard_since(ear, ended)
        assert not heard_since(mouth, ended)
    assert record["cause"] == "media-timeout"
    assert record["ended_by"] == "box"
    assert record["ended"] - record["answered"] < 45
    assert office.calls() == []


def test_a_stranger_is_not_heard(office: Office) -> None:
    """Packets from a third party to the port of a running call reach nobody."""
    with Streams() as streams, office.phone("106", 14):
        mouth, ear = streams.add(office.address(15)), streams.add(office.address(14), 6500)
        stranger = streams.add(office.address(16))
        with (
            office.sipp("uas_talk", 14, words={"RING": 0, "MEDIA": 6500}) as callee,
            office.sipp(
                "uac_talk", 15, "105", dialled="106", media=mouth.port, words={"TALK": 2500}
            ) as caller,
        ):
            while not caller.log():
                time.sleep(0.02)
            port = int(caller.log()[0].split()[2])
            streams.aim(mouth, (office.address(1), port))
            streams.start()
            time.sleep(0.7)
            streams.aim(stranger, (office.address(1), port))
            caller.wait().expect(1)
            callee.wait().expect(1)
        streams.stop()
    assert stranger.sent + stranger.refused > 20
    assert list(ear.received) == [mouth.number]
