"""Errors for people: one line, a key, values apart."""

from firmware.errors import OperatorError


def test_text_and_values_are_apart() -> None:
    error = OperatorError("the number is taken", key="extension.taken", number="4711")
    assert (str(error), error.text, error.key) == ("the number is taken",) * 2 + ("extension.taken",)
    assert error.values == {"number": "4711"}
    assert "4711" not in repr(error)


def test_a_subclass_brings_its_key() -> None:
    class TakenError(OperatorError):
        key = "taken"

    assert TakenError("no").key == "taken"
    assert TakenError("no", key="other").key == "other"
    assert OperatorError("no").key == "error"
