"""What a phone is told, as text and as a code."""

from firmware.cli.phone import account_uri, describe, qr_code

CREDENTIALS = {
    "number": "101",
    "name": "Front desk",
    "aliases": ["0555"],
    "secret": "ab/@:%x",
    "uri": "sip:101@192.0.2.1:5062;transport=udp",
    "servers": ["udp 192.0.2.1:5062"],
}


def test_description_has_everything_to_type_in() -> None:
    text = describe(CREDENTIALS)
    for value in (
        "101",
        "Front desk",
        "ab/@:%x",
        "sip:101@192.0.2.1:5062;transport=udp",
        "udp 192.0.2.1:5062",
    ):
        assert value in text


def test_account_uri_escapes_the_secret() -> None:
    assert account_uri(CREDENTIALS) == "sip:101:ab%2F%40%3A%25x@192.0.2.1:5062;transport=udp"


def test_code_is_a_square_of_blocks() -> None:
    lines = qr_code("sip:101@192.0.2.1").splitlines()
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) in (2 * len(lines), 2 * len(lines) - 1)
    assert set("".join(lines)) <= set(" █▀▄")
