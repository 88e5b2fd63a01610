"""What reading and printing one INVITE costs, in this process, without a socket."""

import time

from sip.message import Message, parse

MESSAGES = 2000
ROUNDS = 7
SDP = """v=0
o=- 3801 3801 IN IP4 192.0.2.9
s=-
c=IN IP4 192.0.2.9
t=0 0
m=audio 11780 RTP/AVP 9 0 8 18 101
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=sendrecv
"""
INVITE = """INVITE sip:102@192.0.2.1:5060 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{number:08x}77aa;rport
Max-Forwards: 70
From: "Desk One" <sip:101@192.0.2.1>;tag=a{number:x}77
To: <sip:102@192.0.2.1>
Call-ID: {number:x}-5a4b3c2d1e0f5a4b3c2d1e0f@192.0.2.9
CSeq: 2 INVITE
Contact: <sip:101@192.0.2.9:5060;transport=udp>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-0004f2a1b2c3>"
Authorization: Digest username="101", realm="branchline.invalid", uri="sip:102@192.0.2.1:5060", algorithm=MD5, qop=auth, nonce="000035990000000082a7d90a42de9f406eb7a8e8dd47c8ba867253c61825a87d", response="6629fae49393a05397450978507c4ef1", nc=00000001, cnonce="0a4f113b"
Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, UPDATE, PRACK
Supported: replaces, 100rel, timer
User-Agent: Example Phone 3.14 (a name as long as the usual ones)
Content-Type: application/sdp
Content-Length: {length}

"""  # noqa: E501 - as phones write it


def message_cost() -> str:
    """Read INVITEs that all differ, look at what a transaction and a call need of them, print them again."""
    body = SDP.replace("\n", "\r\n")
    messages = [
        (INVITE.format(number=number, length=len(body)).replace("\n", "\r\n") + body).encode()
        for number in range(MESSAGES)
    ]
    best = min(_round(messages) for _ in range(ROUNDS))
    return f"INVITE of {len(messages[0])} octets, parse + typed headers + serialise: {best:.1f} us"


def _round(messages: list[bytes]) -> float:
    began = time.perf_counter()
    for data in messages:
        message = parse(data)
        _look(message)
        bytes(message)
    return (time.perf_counter() - began) / len(messages) * 1e6


def _look(message: Message) -> tuple[object, ...]:
    return (
        message.via, message.from_, message.to, message.cseq, message.call_id, message.contacts,
        message.max_forwards,
    )  # fmt: skip
