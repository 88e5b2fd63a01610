"""A phone on IPv6 and one on IPv4 talk through the box."""

import secrets
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.box import Box
from tests.support.sipp import Sipp
from tests.support.sipwire import Message, Wire, bracketed, digest, sdp

pytestmark = pytest.mark.e2e
SITE = """
name = "Both"
country = "generic"
[[listener]]
transport = "udp"
address = "127.0.0.1"
port = {udp}
[[listener]]
transport = "udp"
address = "::1"
port = {udp}
[[listener]]
transport = "tcp"
address = "::1"
port = {udp}
[media]
address = "127.0.0.1"
address6 = "::1"
first_port = {first}
last_port = {last}
[calls]
most = 2
"""


class Phone:
    """A phone of one address: signalling and one audio socket."""

    def __init__(self, box: Box, number: str, address: str, port: int) -> None:
        self.number, self.secret = number, box.secret(number)
        self.wire = Wire(address, (address, box.udp[1]), port)
        self.audio = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self.audio.bind((address, 0))
        assert self.wire.register(number, self.secret).status == 200

    @property
    def description(self) -> bytes:
        return sdp(self.wire.address, self.audio.getsockname()[1])

    def call(self, number: str) -> bytes:
        """Dial with proof; return the INVITE that was taken."""
        uri, call_id = f"sip:{number}@{bracketed(self.wire.server[0])}", secrets.token_hex(8)
        invite = self.wire.request("INVITE", uri, user=self.number, call_id=call_id, body=self.description)
        challenge = self.wire.answer_to(invite).get("www-authenticate")
        proof = digest(challenge, "INVITE", uri, self.number, self.secret)
        invite = self.wire.request(
            "INVITE", uri, user=self.number, call_id=call_id, cseq=2, body=self.description,
            headers=(("Authorization", proof),),
        )  # fmt: skip
        self.wire.send(invite)
        return invite

    def within(self, method: str, invite: bytes, answer: Message) -> None:
        """Send a request within the dialog that an INVITE of ours and its answer began."""
        sent = Message.parse(invite)
        tag = sent.get("from").partition(";tag=")[2]
        self.wire.send(
            self.wire.request(
                method, answer.get("contact").strip("<>"), user=self.number, to=answer.get("to"), tag=tag,
                call_id=sent.get("call-id"), cseq=2 if method == "ACK" else 3,
            )
        )  # fmt: skip

    def wait(self, what: str) -> Message:
        """Return the next message that begins like this."""
        while True:
            message = self.wire.receive()
            if message.first.startswith(what):
                return message

    def accept(self, invite: Message) -> None:
        lines = ["SIP/2.0 200 OK", *(f"Via: {via}" for via in invite.all("via"))]
        lines += [f"{name}: {invite.get(name)}" for name in ("from", "call-id", "cseq")]
        contact = f"<sip:{self.number}@{bracketed(self.wire.address)}:{self.wire.port}>"
        body = self.description
        lines += [f"To: {invite.get('to')};tag=far", f"Contact: {contact}", "Content-Type: application/sdp"]
        lines.append(f"Content-Length: {len(body)}")
        self.wire.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def hears(self, other: "Phone", there: tuple[str, int], words: bytes) -> bool:
        """Whether what the other says at a port of the box arrives here; it goes on talking for a while."""
        self.audio.settimeout(0.05)
        for sequence in range(1, 200):
            head = (
                bytes([0x80, 8])
                + sequence.to_bytes(2, "big")
                + (sequence * 160).to_bytes(4, "big")
                + words[:4]
            )
            other.audio.sendto(head + words, there)
            with suppress(TimeoutError):
                return self.audio.recv(2000).endswith(words)
        return False

    def close(self) -> None:
        self.wire.socket.close()
        self.audio.close()


TRUNK = """
[dialling]
main_number = "+493012340"
[[trunk]]
name = "six"
mode = "address"
host = "::1"
port = {port}
number = "+493012340"
options_seconds = 0
answer_seconds = 5
"""


def test_a_call_out_over_a_trunk_on_ipv6_has_sound(tmp_path: Path) -> None:
    with Wire("::1", ("::1", 9), 0) as free:  # a port nobody has, for sipp to take over
        port = free.socket.getsockname()[1]
    site = SITE.replace('"generic"', '"de"').replace("[calls]", "monitor = true\n[calls]")
    site += TRUNK.replace("{port}", str(port))
    with (
        Box(site=site, calls=2) as box,
        Sipp(
            tmp_path / "sipp", "uas_talk", "::1",
            port=port, media_port=6060, echo=True, words={"RING": 100}, calls=1,
        ) as carrier,
    ):  # fmt: skip
        phone = Phone(box, box.json("extension", "list")[0]["number"], "127.0.0.1", 5076)
        try:
            invite = phone.call("089123456")
            answer = phone.wait("SIP/2.0 200")
            phone.within("ACK", invite, answer)
            assert answer.media[0] == "127.0.0.1"
            # What the phone says goes to the carrier's IPv6 address, and comes back from there.
            assert phone.hears(phone, answer.media, b"there and back")
            phone.within("BYE", invite, answer)
            carrier.wait().expect(1)
            rows = box.json("quality")
            while len(rows) < 2:  # the media process is asked once more after the call
                rows = box.json("quality")
            for heard in rows:
                assert heard["packets"] > 0
                assert heard["codec"] in {"pcma", "pcmu"}
        finally:
            phone.close()


@pytest.mark.parametrize("six_calls", [True, False])
def test_a_call_between_ipv6_and_ipv4_has_sound_both_ways(six_calls: bool) -> None:
    with Box(site=SITE, calls=2) as box:
        for _ in range(2):
            box.cli("extension", "add", "--name", "Someone")
        first, second = (row["number"] for row in box.json("extension", "list")[-2:])
        six, four = Phone(box, first, "::1", 5072), Phone(box, second, "127.0.0.1", 5074)
        caller, callee = (six, four) if six_calls else (four, six)
        caller.call(callee.number)
        invite = callee.wait("INVITE ")
        assert invite.media[0] == callee.wire.address
        assert invite.all("via")[0].startswith(f"SIP/2.0/UDP {bracketed(callee.wire.address)}:{box.udp[1]};")
        callee.accept(invite)
        answer = caller.wait("SIP/2.0 200")
        assert answer.media[0] == caller.wire.address
        assert f"<sip:{bracketed(caller.wire.address)}:" in answer.get("contact")
        assert callee.hears(caller, answer.media, b"from the caller")
        assert caller.hears(callee, invite.media, b"from the callee")
        for phone in (six, four):
            phone.close()
