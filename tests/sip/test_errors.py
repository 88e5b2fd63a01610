from __future__ import annotations

import pytest

from sip.errors import BadMessage, LocalError, RemoteError, SipError
from sip.message import parse
from tests.sip.messages import lines


def test_only_remote_faults_carry_a_status() -> None:
    assert issubclass(BadMessage, RemoteError)
    assert issubclass(RemoteError, SipError)
    assert not issubclass(LocalError, RemoteError)
    error = BadMessage("header", "malformed", header="To")
    assert (error.status, error.reason) == (400, "Bad To")
    assert str(error) == "header To: malformed"


def test_text_tells_nothing_of_the_message() -> None:
    with pytest.raises(BadMessage) as caught:
        _ = parse(lines("OPTIONS sip:a SIP/2.0", "To: secret <<<>>>")).to
    assert "secret" not in f"{caught.value} {caught.value.reason} {caught.value.args}"
    assert caught.value.partial is not None
