"""Hundreds of calls, one after another: nothing of them is left but their records."""

import os
import time
from pathlib import Path

import pytest

from tests.support.crowd import Crowd, Load
from tests.support.office import Office, own_kib
from tests.support.storm import storm

pytestmark = [pytest.mark.e2e, pytest.mark.prove]
NET = 68
WARM, CALLS = 100, 900
RATE = 15
LINGER = 35
"""Seconds after which the last transaction of a call is forgotten (64*T1), and a little."""


def talk(office: Office, calls: int) -> Load:
    addresses = office.address(10), office.address(11)
    with Crowd(office.box.udp, addresses, [office.login("101")], ["102", "103"]) as crowd:
        return crowd.run(calls, RATE, 0.2)


def descriptors(office: Office) -> list[int]:
    """Count open files of the box's processes; only root may look into the one that holds the keys."""
    pids = office.processes() if os.geteuid() == 0 else office.processes()[1:]
    return [len(os.listdir(Path("/proc", str(pid), "fd"))) for pid in pids]


@pytest.mark.timeout(300)
def test_calls_leave_nothing_behind(office: Office) -> None:
    storm(office.box.udp, office.address(11), [office.login("102"), office.login("103")])
    assert talk(office, WARM).ended == WARM
    office.record(WARM)
    time.sleep(LINGER)
    memory, open_ = own_kib(office.box.pid), descriptors(office)
    load = talk(office, CALLS)
    assert (load.answered, load.ended, load.refused) == (CALLS, CALLS, 0)
    time.sleep(LINGER)
    grown = (own_kib(office.box.pid) - memory) / 1024
    print(f"{CALLS} calls: {grown:+.1f} MB after all is forgotten")
    assert descriptors(office) == open_
    assert office.calls() == []
    assert grown < 3
    assert len(records := office.records()) == WARM + CALLS
    assert {record["cause"] for record in records} == {"normal"}
