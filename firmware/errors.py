"""Errors that end at a person: a stable key for translation and one clear line of text."""


class OperatorError(Exception):
    """Something an operator asked for, or the box needs, cannot be done.

    `str(error)` is one line: what, where, what to do. It never carries a name, a number or a secret;
    such a value goes into `values`, for a skin whose reader may see it. `key` is a stable word by which
    console and web pages translate the text.
    """

    key = "error"

    def __init__(self, text: str, *, key: str | None = None, **values: object) -> None:
        super().__init__(text)
        if key is not None:
            self.key = key
        self.values = values

    @property
    def text(self) -> str:
        """The line itself."""
        return str(self.args[0])
