"""Ctrl-C during calls: both ends are told, the records are written, the exit code is 0."""

import signal
import time

import pytest

from tests.support.office import Office

pytestmark = pytest.mark.e2e
NET = 67


def test_ctrl_c_hangs_up_everybody_and_writes_the_records(office: Office) -> None:
    with (
        office.phone("102", 10),
        office.sipp("uas_talk", 10, words={"RING": 0}) as callee,
        office.sipp("uac_listen", 11, "101", dialled="102") as caller,
    ):
        while not caller.log():
            time.sleep(0.02)
        time.sleep(0.3)
        stopped = time.time()
        assert office.box.stop(signal.SIGINT) == 0
        assert time.time() - stopped < 10
        caller.wait().expect(1)
        callee.wait().expect(1)
        offline = office.box.json("calls", "--recent", "5")["recent"]
        assert [record["cause"] for record in offline] == ["shutdown"]
        assert offline[0]["ended_by"] == "box"
        assert abs(offline[0]["ended"] - stopped) < 3
        office.box.start()
    assert office.box.ask("status")["running"]
