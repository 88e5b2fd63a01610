"""What can go wrong with media."""


class NoPorts(Exception):
    """All media ports are in use, or there is no media process: no further call can have audio now."""


class NotAcceptable(Exception):
    """A description cannot be relayed; `why` says so without quoting it (SIP: 488)."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class MediaError(Exception):
    """The media process did not start; the text is one line for the operator."""
