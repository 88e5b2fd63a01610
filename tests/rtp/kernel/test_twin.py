"""The kernel tier, by the twin tests: the loop with a relay program on the loopback of an own network."""

import os
from collections.abc import Iterator

import pytest

from firmware.egress.attachment import attach, attached, detach
from firmware.egress.guard import loaded
from rtp.kernel.tier import KernelTier, RelayedEnd, adopt
from rtp.kernel.tier import Relayed as Seen
from tests.rtp.test_loop import Portable
from tests.rtp.twin import Call, Phone, TwinTests
from tests.support import namespace

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(bool(namespace.missing()), reason=namespace.missing() or "-"),
]


class Relayed(Portable):
    """The portable tier with the kernel's before it.

    The kernel's clock does not jump with ours: what it heard counts as heard when that is first seen.
    """

    def __init__(self, maps: list[int], count: int = 4) -> None:
        super().__init__(count)
        self._heard: dict[int, tuple[float, float]] = {}
        self.loop.attach(self.adopt(maps))

    def adopt(self, maps: list[int]) -> KernelTier:
        tier = adopt([os.dup(fd) for fd in maps], self.loop.ports)
        seen = tier.seen

        def in_our_time(end: RelayedEnd) -> Seen:
            found = seen(end)
            real, ours = self._heard.get(end.port, (0.0, 0.0))
            if found.heard != real:
                ours = self.time
                self._heard[end.port] = found.heard, ours
            return found._replace(heard=ours)

        tier.seen = in_our_time  # type: ignore[method-assign]
        return tier

    def settle(self) -> None:
        super().settle()
        for port in self.ports:
            self.loop.ask(port, 0)
            self.loop.events.pop()


@pytest.fixture
def maps() -> Iterator[list[int]]:
    with namespace.network(), loaded() as (program, maps):
        for name in ("all", "lo"):
            for setting, value in (("route_localnet", 1), ("accept_local", 1), ("rp_filter", 0)):
                namespace.run("sysctl", "-w", f"net.ipv4.conf.{name}.{setting}={value}")
        attach("lo", program)
        yield [each.fd for each in maps.values()]
        assert detach("lo")


@pytest.fixture
def tier(maps: list[int]) -> Iterator[Relayed]:
    relayed = Relayed(maps)
    yield relayed
    relayed.loop.close()
    Phone.close_all()


class TestKernel(TwinTests):
    """The kernel tier owes what every tier owes."""


def test_the_loop_hears_nothing_of_a_call_but_what_is_not_routine(tier: Relayed) -> None:
    call = Call(tier)
    call.talk()
    before = tier.loop.forwarded
    for number in range(50):
        assert call.exchange(b"a%d" % number, b"b%d" % number) == ([b"b%d" % number], [b"a%d" % number])
    assert tier.loop.forwarded == before
    statistics = tier.statistics(call.left)
    assert (statistics.lost, statistics.undelivered) == (0, 0)
    assert statistics.packets == statistics.sent >= 50


def test_a_running_call_moves_from_tier_to_tier_and_loses_nothing(tier: Relayed, maps: list[int]) -> None:
    call = Call(tier)
    call.talk()
    for turn in range(6):
        for number in range(20):
            assert call.exchange(b"a%d" % number, b"b%d" % number) == ([b"b%d" % number], [b"a%d" % number])
        tier.settle()
        if turn % 2:
            tier.loop.attach(tier.adopt(maps))
        else:
            tier.loop.detach()
    statistics = tier.statistics(call.left)
    assert statistics.lost == statistics.undelivered == statistics.foreign == 0


def test_entries_of_a_media_process_that_died_are_replaced(tier: Relayed, maps: list[int]) -> None:
    call = Call(tier)
    call.talk()
    assert tier.loop.fast is not None
    left = len(tier.loop.fast)
    fresh = tier.adopt(maps)
    assert left == 2
    fresh.prune()
    tier.loop.fast = fresh
    call.talk()
    assert tier.loop.forwarded > 0, "with no entries left the loop relays"
    fresh.clear()


def test_what_is_no_map_is_refused_and_closed(tier: Relayed) -> None:
    from rtp.kernel.bpf import BpfError

    descriptors = [os.open(os.devnull, os.O_RDONLY) for _ in range(3)]
    with pytest.raises(BpfError):
        adopt(descriptors, tier.loop.ports)
    for each in descriptors:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(each)


def test_a_program_left_behind_is_replaced_and_the_last_one_out_takes_the_hook(maps: list[int]) -> None:
    assert attached("lo")
    with loaded() as (program, _):
        attach("lo", program)
        assert attached("lo")
        assert namespace.run("tc", "filter", "show", "dev", "lo", "ingress").count(" name branchline ") == 1
    assert detach("lo")
    assert "clsact" not in namespace.run("tc", "qdisc", "show", "dev", "lo")
    assert not detach("lo")
    with loaded() as (program, _):
        attach("lo", program)
