"""A stand-in for the box where drivers are tested on each other: challenges once, then passes messages on."""

import socket
import threading

from tests.support.sipwire import Message

CHALLENGE = 'Digest realm="front", nonce="n0nce", algorithm=MD5, qop="auth"'


class Front:
    """Passes all messages between a caller and a callee over UDP, in a thread.

    Answers first INVITEs and REGISTERs of the caller (CSeq 1) with a challenge; further REGISTERs with
    `registered`. A context manager. `seen`: every request of the caller.
    """

    def __init__(
        self, address: str, caller: tuple[str, int], callee: tuple[str, int], registered: str = "200 OK"
    ) -> None:
        self.caller, self.callee, self.registered = caller, callee, registered
        self.seen: list[Message] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 5060))
        self._socket.settimeout(0.1)
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Front":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._halt.set()
        self._thread.join(5)
        self._socket.close()

    def _run(self) -> None:
        while not self._halt.is_set():
            try:
                data, source = self._socket.recvfrom(65535)
            except TimeoutError:
                continue
            if source != self.caller:
                self._socket.sendto(data, self.caller)
                continue
            message = Message.parse(data)
            self.seen.append(message)
            outside = message.first.startswith(("INVITE", "REGISTER")) and ";tag=" not in message.get("to")
            if outside and not message.get("authorization"):
                self._answer(message, "401 Unauthorized")
                continue
            if message.first.startswith("REGISTER"):
                self._answer(message, self.registered)
            elif message.get("cseq") != "1 ACK":
                self._socket.sendto(data, self.callee)

    def _answer(self, request: Message, line: str) -> None:
        head = [f"SIP/2.0 {line}", *(f"{n}: {request.get(n)}" for n in ("Via", "From", "Call-ID", "CSeq"))]
        head += [f"To: {request.get('to')};tag=front", f"WWW-Authenticate: {CHALLENGE}", "Content-Length: 0"]
        self._socket.sendto(("\r\n".join(head) + "\r\n\r\n").encode(), self.caller)
