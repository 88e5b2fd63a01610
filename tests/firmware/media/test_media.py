"""Ports, restarts and the plan that survives them."""

import asyncio
import contextlib
import os
import signal
import socket
import time

import pytest

from firmware.media import Media, MediaError, NoPorts, Side
from firmware.media import media as module
from firmware.media.quality import Quality
from firmware.media.worker import LAUNCHER, fork_early
from rtp import control
from rtp.control import Put, decode
from rtp.report import Block, Report
from tests.firmware.media.calls import HOST, Talk, describe, hears, running, silent, target, until
from tests.rtp.twin import Phone
from tests.support import rtp_probe
from tests.support.rtp_probe import Stream


def test_ports_are_counted_and_come_back_after_a_rest() -> None:
    async def main() -> None:
        now = 0.0
        async with running(6, rest=5.0) as media:
            media._now = lambda: now
            assert media.free == 3
            bridges = [media.open() for _ in range(3)]
            ports = {port for bridge in bridges for port in bridge.ports}
            assert len(ports) == 6
            with pytest.raises(NoPorts):
                media.open()
            bridges[0].close()
            bridges[0].close()
            assert media.free == 0
            with pytest.raises(NoPorts):
                media.open()
            now = 5.0
            assert media.free == 1
            with media.open() as again:
                assert set(again.ports) == set(bridges[0].ports)
            assert media.free == 0
            for bridge in bridges:
                bridge.close()
            now = 10.0
            assert media.free == 3

    asyncio.run(main())


def test_ports_are_crowded_from_a_share_on_those_that_rest_included() -> None:
    async def main() -> None:
        now = 0.0
        async with running(20, rest=5.0) as media:
            media._now = lambda: now
            bridges = [media.open() for _ in range(8)]
            assert not media.crowded(0.8)
            bridges.append(media.open())
            assert media.crowded(0.8)
            assert not media.crowded(1.0)
            bridges.pop().close()
            assert media.crowded(0.8)
            now = 5.0
            assert not media.crowded(0.8)
            for bridge in bridges:
                bridge.close()

    asyncio.run(main())


def test_an_old_call_reaches_no_new_one() -> None:
    async def main() -> None:
        async with running(2, rest=0.0) as media:
            with media.open() as bridge:
                old = Talk(bridge)
                await old.both(b"before")
            assert await media.counters() is not None
            old.a.heard()
            old.b.heard()
            with media.open() as bridge:
                new = Talk(bridge)
                assert {new.a_to, new.b_to} == {old.a_to, old.b_to}
                await new.both(b"new")
                await silent(media, old.a, old.a_to, new.b, b"late")
                await silent(media, old.b, old.b_to, new.a, b"late")
                assert old.a.heard() == old.b.heard() == []

    asyncio.run(main())


def test_audio_flows_again_after_the_media_process_was_killed() -> None:
    async def main() -> None:
        async with running() as media:
            restarted = asyncio.Event()
            media.on_restart = restarted.set
            with media.open() as bridge:
                talk = Talk(bridge)
                await talk.both(b"before")
                await until(lambda: all((row := media.row(port)) and row.source for port in bridge.ports))
                killed = media.pid
                os.kill(killed, signal.SIGKILL)
                await restarted.wait()
                assert media.pid != killed
                # what was learned is remembered: there is no new window to sneak in
                await silent(media, Phone("127.0.0.2"), talk.a_to, talk.b, b"foreign")
                await talk.both(b"after")
                assert media.restarts == 1
            with media.open() as bridge:
                await Talk(bridge).both(b"a new call")

    asyncio.run(main())


def test_a_media_process_that_hangs_is_replaced_and_statistics_go_on() -> None:
    """Stopped, it is alive and answers nothing: the call talks again, and what was counted is not lost."""

    async def main() -> None:
        async with running() as media:
            restarted = asyncio.Event()
            hung: list[int] = []
            media.on_restart = restarted.set
            media.on_hang = lambda: hung.append(media.pid)
            with media.open() as bridge:
                talk = Talk(bridge)
                await talk.both(b"before")
                before = (await bridge.statistics())["caller"]
                assert before.packets > 0
                stopped = media.pid
                os.kill(stopped, signal.SIGSTOP)
                await asyncio.wait_for(restarted.wait(), 20)
                assert hung == [stopped]
                assert media.pid != stopped
                assert media.restarts == 1
                begin = time.monotonic()
                await talk.both(b"after")
                assert time.monotonic() - begin < 1.0
                after = (await bridge.statistics())["caller"]
                assert after.packets > before.packets
                assert after.octets > before.octets
            with pytest.raises(ProcessLookupError):
                os.kill(stopped, 0)

    asyncio.run(main())


def test_one_side_not_heard_while_the_other_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "QUIET", 2.0)  # the media process is forked with it

    async def main() -> None:
        told: list[tuple[str, Side]] = []
        async with running() as media:
            media.on_one_way = lambda call, side: told.append((call, side))
            with media.open() as bridge, media.open() as quiet:
                bridge.call, quiet.call = "one", "other"
                talk, nobody = Talk(bridge), Talk(quiet)
                await talk.both(b"both")
                await nobody.both(b"then neither")
                while not told:
                    talk.a.say(talk.a_to, b"hello?")
                    await asyncio.sleep(0.05)
                await asyncio.sleep(0.5)
                assert told == [("one", "callee")]
                assert bridge.quiet == {"caller": 0, "callee": 1}
                assert quiet.quiet == {"caller": 0, "callee": 0}

    asyncio.run(asyncio.wait_for(main(), 30))


@pytest.mark.parametrize("killed", [False, True])
def test_how_good_a_call_was_is_told_when_somebody_wants_to_know(*, killed: bool) -> None:
    async def main() -> None:
        told: dict[str, dict[Side, Quality]] = {}
        async with running() as media:
            media.on_quality = told.__setitem__
            media.monitor = True
            with media.open() as bridge:
                bridge.call = "watched"
                talk = Talk(bridge)
                await talk.both(b"here")
                talk.b.sequence += 1  # one is lost
                await hears(talk.b, talk.b_to, talk.a, b"again")
                if killed:
                    await bridge.statistics()
                    os.kill(media.pid, signal.SIGKILL)
            media.monitor = False
            with media.open() if not killed else contextlib.nullcontext() as another:
                if another is not None:
                    another.call = "not watched"
                    await Talk(another).both(b"here")
            await until(lambda: "watched" in told)
        assert list(told) == ["watched"]
        caller, callee = told["watched"]["caller"], told["watched"]["callee"]
        assert (caller.codec, caller.lost, callee.lost) == ("pcmu", 0, 1)
        assert caller.packets > 0
        assert callee.mos < caller.mos
        assert caller.round_trip is None

    asyncio.run(main())


def test_whoever_replaces_the_media_process_reads_rtcp_too() -> None:
    async def main() -> None:
        async with running() as media:
            media.monitor = True
            restarted = asyncio.Event()
            media.on_restart = restarted.set
            with media.open() as bridge:
                talk = Talk(bridge)
                await talk.both(b"before")
                os.kill(media.pid, signal.SIGKILL)
                await restarted.wait()
                await talk.both(b"after")
                talk.a.rtcp.sendto(bytes(Report(7, (Block(8, 0, 3, 100, 20),))), (HOST, talk.a_to + 1))
                await until(lambda: bool(Phone.raw(talk.b.rtcp)))  # it has passed
                found = (await bridge.statistics())["caller"]
                assert (found.far_lost, found.far_jitter) == (3, 20)

    asyncio.run(main())


def test_calls_may_come_and_go_while_the_media_process_is_away() -> None:
    async def main() -> None:
        async with running(6) as media:
            restarted = asyncio.Event()
            media.on_restart = restarted.set
            one, other = media.open(), media.open()
            ended, held = Talk(one), Talk(other)
            await ended.both(b"before")
            os.kill(media.pid, signal.SIGKILL)
            await until(lambda: media.free == 0)
            with pytest.raises(NoPorts):
                media.open()
            assert await one.statistics() == {}
            one.close()
            other.offer("caller", describe(held.a, "sendonly"))
            other.answer("callee", describe(held.b, "recvonly"))
            await restarted.wait()
            await hears(held.a, held.a_to, held.b, b"music")
            await silent(media, held.b, held.b_to, held.a, b"held")
            counters = await media.counters()
            assert counters is not None
            assert counters.rows == 2

    asyncio.run(main())


def test_a_port_that_a_restart_could_not_get_back_is_told() -> None:
    async def main() -> None:
        async with running() as media:
            with media.open() as bridge:
                told: list[Side] = []
                bridge.on_timeout = told.append
                bridge.offer("caller", describe(Phone()))
                thief = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

                def steal() -> bool:
                    try:
                        thief.bind((HOST, bridge.port("callee")))
                    except OSError:
                        return False
                    return True

                restarted = asyncio.Event()
                media.on_restart = restarted.set
                os.kill(media.pid, signal.SIGKILL)
                while not steal():
                    os.sched_yield()  # before the event loop can start another
                await restarted.wait()
                thief.close()
                assert told == ["callee"]
                assert media.free == 1

    asyncio.run(main())


def test_restarts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with running() as media:
            failed = asyncio.Event()
            media.on_failure = failed.set
            monkeypatch.setattr(module, "PAUSES", (0.0, 0.01, 0.01))
            monkeypatch.setenv(LAUNCHER, "/bin/false")
            os.kill(media.pid, signal.SIGKILL)
            await failed.wait()
            with pytest.raises(NoPorts):
                media.open()
            assert media.restarts == 0

    asyncio.run(main())


def test_edits_without_room_wait_and_the_newest_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with running(8) as media:
            sent: list[bytes] = []
            send = media._worker.send
            room = False

            def narrow(datagram: bytes) -> bool:
                if room:
                    sent.append(datagram)
                    return send(datagram)
                return False

            monkeypatch.setattr(media._worker, "send", narrow)
            with media.open() as bridge:
                talk = Talk(bridge)
                bridge.offer("caller", describe(talk.a, "inactive"))
                bridge.answer("callee", describe(talk.b, "inactive"))
                media._flush()
                assert sent == []
                bridge.offer("caller", describe(talk.a))
                bridge.answer("callee", describe(talk.b))
                room = True
                await talk.both(b"through")
                messages = [message for datagram in sent for message in decode(datagram)]
                puts = [message for message in messages if isinstance(message, Put)]
                assert puts == [Put(row.replace(source=None)) for row in media._plan.snapshot()]

    asyncio.run(main())


def test_start_says_what_is_wrong() -> None:
    async def main() -> None:
        media = Media(fork_early("192.0.2.1", 25000, 25010), time.monotonic)
        with pytest.raises(MediaError, match=r"192\.0\.2\.1 is no address of this machine"):
            await media.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind((HOST, 0))
            port = one.getsockname()[1] & ~1
            media = Media(fork_early(HOST, port, port + 1), time.monotonic)
            with pytest.raises(MediaError, match="no free pair of UDP ports"):
                await media.start()
            assert media._worker.gone()

    asyncio.run(main())


def test_close_ends_the_process() -> None:
    async def main() -> None:
        async with running() as media:
            worker = media._worker
            bridge = media.open()
            await media.close()
            await media.close()
            assert worker.status == 0
            with pytest.raises(NoPorts):
                media.open()
            bridge.close()

    asyncio.run(main())


@pytest.mark.native
def test_a_hundred_calls_lose_nothing() -> None:
    """100 calls, 50 packets/s each way, through the media process."""

    async def main() -> rtp_probe.Result:
        async with running(200) as media:
            streams: list[Stream] = []
            bridges = []
            for _ in range(100):
                bridge = media.open()
                bridges.append(bridge)
                a, b = rtp_probe.open_socket(), rtp_probe.open_socket()
                to_b = target(bridge.offer("caller", describe(a)))
                to_a = target(bridge.answer("callee", describe(b)))
                streams += [Stream(a, (HOST, to_a), b), Stream(b, (HOST, to_b), a)]
            assert await media.counters() is not None
            result = await rtp_probe.load(streams, 3.0)
            statistics = await bridges[50].statistics()
            assert statistics["caller"].packets == statistics["callee"].sent == 150
            assert statistics["caller"].lost == statistics["caller"].foreign == 0
            rtp_probe.close(streams)
            return result

    result = asyncio.run(main())
    assert (result.sent, result.lost, result.duplicates, result.reordered) == (30_000, 0, 0, 0)
