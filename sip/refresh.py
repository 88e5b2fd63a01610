"""A REGISTER that says again what its phone has said before: most of what a registrar ever hears.

A phone repeats its REGISTER for as long as it stands on its desk, word for word but for the branch, the From
tag, the CSeq number and the credentials. Those four are cut out; what is left is looked up whole. If it was
read, validated, authenticated and served before, nothing of it is read again: the message is made of the
earlier one and the four new values, and the answer of the texts around them. Who asks is judged, and the
binding renewed, exactly as for any other REGISTER.

Why this is safe: every octet but those of the four is the same as it was; each of the four is held to
characters that cannot end it, so they read as what they were; and a wording is only remembered if its
template gives, octet for octet, the answer the full way has just given. Only who proved to be its user gets a
wording remembered. Whatever is unusual takes the full way.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sip.answer import Answer
from sip.cseq import CSeq
from sip.fields import header_line
from sip.flow import Flow
from sip.grammar import is_token
from sip.headers import canonical
from sip.layer import reply_flow, server_key
from sip.message import Request
from sip.reasons import REASONS
from sip.via import MAGIC

LONGEST: Final = 2048
"""Octets of a REGISTER worth remembering."""
REMEMBERED: Final = 1024
"""Wordings kept: one for each contact of a phone. The oldest goes first."""

_START: Final = b"REGISTER "
_BRANCH: Final = ";branch=" + MAGIC
_FROM: Final = "\r\nFrom: "
_TAG: Final = ">;tag="
_CSEQ: Final = "\r\nCSeq: "
_CREDENTIALS: Final = "\r\nAuthorization: "
_CSEQ_DIGITS: Final = 9  # of a number that is surely below 2**31
_LINES: Final = 64


class Wording(NamedTuple):
    """A REGISTER cut apart: `same` is what stays, the rest what changes with every request."""

    same: tuple[str, str, str, str]
    branch: str
    tag: str
    cseq: str
    credentials: str | None


def cut(data: bytes) -> Wording | None:
    """Cut a datagram or framed message apart, None if it is no REGISTER as nearly all phones write it."""
    if not data.startswith(_START) or len(data) > LONGEST or not data.isascii():
        return None
    text = data.decode("ascii")
    credentials = None
    begin = text.find(_CREDENTIALS)
    if begin >= 0:
        end = text.find("\r\n", begin + 2)
        credentials = text[begin + len(_CREDENTIALS) : end].strip(" \t")
        if text[end + 2 : end + 3] in {" ", "\t"} or "\r" in credentials or "\n" in credentials:
            return None
        text = text[:begin] + text[end:]
    branch = text.find(_BRANCH)
    after_branch = text.find("\r\n", branch)
    other = text.find(";", branch + 1, after_branch)
    if other >= 0:
        after_branch = other
    tag = text.find(_TAG, text.find(_FROM, after_branch))
    after_tag = text.find("\r\n", tag)
    cseq = text.find(_CSEQ, after_tag)
    after_cseq = text.find(" REGISTER\r\n", cseq)
    if branch < 0 or tag < 0 or cseq < 0 or after_cseq < 0:
        return None
    branch, tag, cseq = branch + len(_BRANCH), tag + len(_TAG), cseq + len(_CSEQ)
    new = Wording(
        (text[:branch], text[after_branch:tag], text[after_tag:cseq], text[after_cseq:]),
        text[branch:after_branch],
        text[tag:after_tag],
        text[cseq:after_cseq],
        credentials,
    )
    number = new.cseq
    usual = (new.branch.isalnum() or is_token(new.branch)) and (new.tag.isalnum() or is_token(new.tag))
    return new if usual and number.isdigit() and len(number) <= _CSEQ_DIGITS else None


class Known:
    """A wording that was served before, by the way it came. `path` is where answers go."""

    __slots__ = (
        "_after",
        "_before",
        "_from",
        "_key",
        "_lines",
        "_pattern",
        "_places",
        "_tag",
        "_texts",
        "flow",
        "path",
    )

    def __init__(self, wording: Wording, request: Request, flow: Flow) -> None:
        """Take a REGISTER that was served, stamped as it is, and what it was cut into."""
        via, from_ = request.get("Via") or "", request.get("From") or ""
        before, _, after = via.partition(_BRANCH + wording.branch)
        self.flow = flow
        self.path = reply_flow(request, flow)
        self._before, self._after = before + _BRANCH, after
        self._from = from_.removesuffix(wording.tag)
        self._tag = wording.tag
        self._key = server_key(request, "REGISTER").removeprefix(MAGIC + wording.branch)
        # What stands between branch, From tag, our own tag and CSeq number in every answer.
        self._texts = (
            f"Via: {self._before}",
            f"{after}\r\nFrom: {self._from}",
            f"\r\nTo: {request.get('To')};tag=",
            f"\r\nCall-ID: {request.call_id}\r\nCSeq: ",
        )
        request.remove("Authorization")
        self._pattern = request
        self._lines = [f"{name}: {value}" for name, value in request.headers]
        names = [canonical(name) for name, _ in request.headers]
        self._places = names.index("Via"), names.index("From"), names.index("CSeq")
        # Read once for all that are made of it.
        _ = request.request_uri, request.from_, request.to, request.contacts

    def request(self, new: Wording) -> Request:
        """Make the message that was cut apart, stamped."""
        pattern, tag, number = self._pattern, new.tag, new.cseq
        lines = self._lines.copy()
        via, from_, cseq = self._places
        values = {"Via": f"{self._before}{new.branch}{self._after}", "CSeq": f"{number} REGISTER"}
        typed: dict[str, object] = {"CSeq": CSeq(int(number), "REGISTER")}
        lines[via], lines[cseq] = f"Via: {values['Via']}", f"CSeq: {values['CSeq']}"
        if tag != self._tag:
            values["From"] = self._from + tag
            lines[from_] = f"From: {values['From']}"
            typed["From"] = pattern.from_.with_tag(tag)
        if new.credentials is not None:
            values["Authorization"] = new.credentials
            lines.append(f"Authorization: {new.credentials}")
        return pattern.again(lines, values, typed)

    def key(self, new: Wording) -> str:
        """Return what `server_key` says of the message that was cut apart."""
        return f"{MAGIC}{new.branch}{self._key}"

    def answer(self, new: Wording, answer: Answer, to_tag: str) -> bytes:
        """Give what `Request.answer` gives for the message that was cut apart."""
        status, headers, body, reason = answer
        via, from_, to, call_id = self._texts
        more = "".join([header_line(name, value) + "\r\n" for name, value in headers])
        told = REASONS.get(status, "") if reason is None else reason
        return (
            f"SIP/2.0 {status} {told}\r\n{via}{new.branch}{from_}{new.tag}{to}{to_tag}{call_id}{new.cseq} "
            f"REGISTER\r\n{more}Content-Length: {len(body)}\r\n\r\n"
        ).encode("ascii") + body


class Refreshes:
    """The wordings of all phones that have registered."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: dict[tuple[str, str, str, str], Known] = {}

    def __len__(self) -> int:
        return len(self._known)

    def find(self, new: Wording, flow: Flow) -> Known | None:
        """Return what was remembered of a wording, if it came by the same way."""
        known = self._known.get(new.same)
        return known if known is not None and (known.flow is flow or known.flow == flow) else None

    def learn(self, new: Wording, request: Request, flow: Flow, answer: Answer, to_tag: str) -> None:
        """Remember a wording of somebody who proved to be its user, if its answer can be made of it.

        `request` is the message, which belongs to the memory from now on; it got `answer` with `to_tag`.
        """
        if not _plain(new, request) or answer.status != 200:
            return
        usual = request.answer(200, answer.reason, to_tag=to_tag, headers=answer.headers, body=answer.body)
        known = Known(new, request, flow)
        if known.answer(new, answer, to_tag) != usual:
            return
        self._known.pop(new.same, None)
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[new.same] = known


def _plain(new: Wording, request: Request) -> bool:
    """Whether the full way read the four as they were cut, and from one line each."""
    repeated = request.repeated
    return (
        not request.body
        and len(request.headers) < _LINES
        and not any(name in repeated for name in ("Via", "From", "To", "CSeq", "Call-ID", "Authorization"))
        and request.branch == MAGIC + new.branch
        and request.from_tag == new.tag
        and not request.to_tag
        and (request.get("From") or "").endswith(">;tag=" + new.tag)
        and request.get("CSeq") == f"{new.cseq} REGISTER"
        and request.get("Authorization") == new.credentials
    )
