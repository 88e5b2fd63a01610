"""Carry out the demo: about half a minute, a line for each thing that happens, a table, exit code 0 or 1."""

import asyncio
import shutil
import signal
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.demo import report
from tests.demo.report import Line, Talk
from tests.support import audio, rtp_probe
from tests.support.baresip import Account, Baresip, PhoneError
from tests.support.bytescan import scan
from tests.support.crowd import Crowd
from tests.support.office import Office
from tests.support.storm import storm
from tests.support.streams import SO_TIMESTAMPNS, Streams

ALIAS = "055501427731"
NAMES = {"101": "Wilhelmine Petersdotter", "102": "Ottokar Quastenflosser"}
BEFORE, HOLD, AFTER = 6.5, 2.0, 6.5
"""Seconds: ten of speech both ways are judged, the rest is what the phones' buffers swallow."""
PROBE = 2.5


class Demo:
    """One run: its moments and its findings."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.began = time.monotonic()
        self.lines: list[Line] = []

    def say(self, text: str) -> None:
        """Print one line of progress."""
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def run(self) -> None:
        """Carry out everything in order."""
        speech = {user: self.directory / f"{user}.wav" for user in NAMES}
        self.say("making 20 s of speech for each phone (espeak-ng)")
        audio.speak(speech["101"], "en-gb", 20)
        audio.speak(speech["102"], "en-us+f3", 20, first=2)
        with ExitStack() as stack:
            self.say("starting the box: python -m firmware run")
            office = stack.enter_context(Office(self.directory / "box", 85))
            office.box.cli("extension", "change", "102", "--alias", ALIAS, "--name", NAMES["102"])
            office.box.cli("extension", "change", "101", "--name", NAMES["101"])
            self.say(f"the box is there; 102 has the alias {ALIAS}")
            phones = {
                user: stack.enter_context(
                    Baresip(
                        self.directory / user,
                        office.address(10 + n),
                        speech=speech[user],
                    )
                )
                for n, user in enumerate(NAMES)
            }
            for user, phone in phones.items():
                event = phone.register(Account(user, office.secret(user), office.server, name=NAMES[user]))
                if event.type != "REGISTER_OK":
                    raise PhoneError(f"the box refused {user}: {event.fields.get('param')}")
                self.say(f"{user} is registered (baresip, UDP, digest)")
            self._talk(office, phones, speech)
            self._delay(office)
            secrets = [(f"secret of {number}", office.secret(number)) for number in office.numbers()]
            names = [(f"name of {number}", name) for number, name in NAMES.items()]
            canaries = [("number dialled", ALIAS), *names, *secrets]
            self._scan(office, canaries, "while it runs")
            self.say("ending the box: Ctrl-C")
            code = office.box.stop(signal.SIGINT)
            self.lines.append(Line("exit code after Ctrl-C", str(code), "0", code == 0))
            self._scan(office, canaries, "after its end")
            log = office.box.output()
            shown = [label for label, text in canaries if text in log and not label.startswith("secret")]
            self.lines.append(Line("names and number in the live log", str(len(shown)), "0", not shown))

    def _talk(self, office: Office, phones: dict[str, Baresip], speech: dict[str, Path]) -> None:
        caller, callee = phones["101"], phones["102"]
        dialled = caller.dial(f"sip:{ALIAS}@{office.server}")
        callee.wait("CALL_INCOMING")
        self.say(f"101 called {ALIAS}: 102 rings")
        time.sleep(1.0)
        lifted = callee.accept()
        established = caller.wait("CALL_ESTABLISHED").at
        self.say(f"102 answered; both speak for {BEFORE:g} s")
        time.sleep(BEFORE)
        held = time.monotonic()
        callee.hold()
        self.say(f"102 holds for {HOLD:g} s")
        time.sleep(HOLD)
        resumed = time.monotonic()
        callee.resume()
        self.say(f"102 resumes; both speak for {AFTER:g} s")
        time.sleep(AFTER)
        hung_up = caller.hangup()
        callee.wait("CALL_CLOSED")
        self.say("101 hung up")
        for name, talker, begin, listener in (
            ("101 to 102", "101", established, callee),
            ("102 to 101", "102", lifted, caller),
        ):
            talk = Talk(
                name,
                audio.read(speech[talker]),
                listener.heard(),
                held - begin,
                resumed - begin,
                hung_up - begin,
            )
            self.lines += report.speech(talk)
        wall = time.time() - time.monotonic()
        record = office.record()
        observed = {"started": dialled + wall, "answered": lifted + wall, "ended": hung_up + wall}
        self.lines += report.times(record, observed)
        parties = tuple(record.get(name) for name in ("caller", "callee", "dialled", "ended_by"))
        right = ("101", "102", ALIAS, "caller")
        self.lines.append(
            Line("call record: who", " ".join(map(str, parties)), "as it was", parties == right)
        )

    def _delay(self, office: Office) -> None:
        self.say(f"measuring the delay the box adds: {PROBE:g} s through it, {PROBE:g} s without it")
        addresses = office.address(20), office.address(21)
        storm(office.box.udp, addresses[1], [office.login("104")])
        with (
            Streams() as streams,
            Crowd(office.box.udp, addresses, [office.login("103")], ["104"], streams) as crowd,
        ):
            crowd.begin()
            crowd.settle(5)
            crowd.wait(0.1)
            one, other = streams.streams
            assert one.remote, "the call for the probe was not answered"
            assert other.remote
            for stream in streams.streams:
                stream.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            through = [
                rtp_probe.Stream(one.socket, one.remote, other.socket),
                rtp_probe.Stream(other.socket, other.remote, one.socket),
            ]
            asyncio.run(rtp_probe.run(through, PROBE))
            bare = rtp_probe.direct()
            asyncio.run(rtp_probe.run(bare, PROBE))
            rtp_probe.close(bare)
            crowd.finish()
        box, direct = rtp_probe.total(through), rtp_probe.total(bare)
        self.lines += report.delay((box.p50, box.p99), (direct.p50, direct.p99))
        self.lines.append(
            Line(
                "packets of the probe lost",
                f"{box.lost} of {box.sent}",
                "at most 1 %",
                box.lost <= box.sent * 0.01,
            )
        )

    def _scan(self, office: Office, canaries: list[tuple[str, str]], when: str) -> None:
        finds = scan(office.state, canaries)
        for find in finds:
            self.say(f"IN THE CLEAR: {find}")
        files = sum(path.is_file() for path in office.state.rglob("*"))
        what = f"names, secrets, number in {files} files {when}"
        self.lines.append(Line(what, f"{len(finds)} found", "0", not finds))


def main() -> int:
    """Run the demo and print its table; 0 if all is as it must be."""
    directory = Path(tempfile.mkdtemp(prefix="branchline-demo-"))
    demo = Demo(directory)
    try:
        demo.run()
    except (AssertionError, OSError) as error:
        demo.lines.append(Line(f"{type(error).__name__}: {error}", "", "", good=False))
    if demo.lines:
        print(report.table(demo.lines))
    good = bool(demo.lines) and all(line.good for line in demo.lines)
    took = time.monotonic() - demo.began
    if good:
        shutil.rmtree(directory)
        print(f"demo: all {len(demo.lines)} checks ok in {took:.0f} s", flush=True)
        return 0
    failed = sum(not line.good for line in demo.lines)
    print(
        f"demo: {failed} of {len(demo.lines)} checks FAILED in {took:.0f} s; files kept in {directory}",
        flush=True,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
