"""Messages that tests begin with."""

from __future__ import annotations

SDP = (
    b"v=0\r\no=- 1000 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
)


def lines(*text: str, body: bytes = b"") -> bytes:
    """Join lines to a message; non-ASCII as UTF-8."""
    return "\r\n".join([*text, "", ""]).encode("utf-8", "surrogateescape") + body


def invite(*extra: str, body: bytes = SDP) -> bytes:
    """Give a usual INVITE with extra header lines on top."""
    return lines(
        "INVITE sip:102@192.0.2.1 SIP/2.0",
        *extra,
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-one;rport",
        "Max-Forwards: 70",
        'From: "One" <sip:101@192.0.2.1>;tag=from1',
        "To: <sip:102@192.0.2.1>",
        "Call-ID: call-1@192.0.2.10",
        "CSeq: 2 INVITE",
        "Contact: <sip:101@192.0.2.10:5060;transport=UDP>",
        "Content-Type: application/sdp",
        f"Content-Length: {len(body)}",
        body=body,
    )


def register(*extra: str) -> bytes:
    """Give a usual REGISTER with extra header lines on top."""
    return lines(
        "REGISTER sip:192.0.2.1 SIP/2.0",
        *extra,
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-two",
        "Max-Forwards: 70",
        "From: <sip:101@192.0.2.1>;tag=from2",
        "To: <sip:101@192.0.2.1>",
        "Call-ID: reg-1",
        "CSeq: 7 REGISTER",
        "Contact: <sip:101@192.0.2.10:5060>;expires=300",
        "Content-Length: 0",
    )
