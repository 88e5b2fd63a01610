"""The message lamp: how many voice messages wait (message-summary, RFC 3842), for their owner's phones."""

from __future__ import annotations

from typing import Final

from firmware.lines.accounts import Account, Accounts
from firmware.lines.gate import dialled
from firmware.store.model import NO_MESSAGES, Messages
from sip.message import Request

MAILBOX: Final = "message-summary"


class MailboxPackage:
    """The package as `sip.event` wants it: watchers and resources are extension ids."""

    content_type = "application/simple-message-summary"

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def watcher(self, identity: object) -> str | None:
        """Return the extension that asks; strangers may not."""
        return identity.party.extension if isinstance(identity, Account) else None

    def resource(self, request: Request) -> str | None:
        """Return the extension whose number or alias stands in the Request-URI."""
        account = self._accounts.reached(dialled(request))
        return None if account is None else account.party.extension

    def may(self, watcher: str, resource: str) -> bool:
        """Let everybody watch their own mailbox, and no other."""
        return watcher == resource

    def body(self, resource: str, entity: str, version: int) -> bytes:
        """Return how many messages wait (5.2); none are urgent."""
        del version
        return summary(self.messages(resource), entity)

    def messages(self, extension: str) -> Messages:
        """Return what lies in a mailbox."""
        account = self._accounts.get(extension)
        return NO_MESSAGES if account is None or account.extension is None else account.extension.messages


def summary(messages: Messages, entity: str) -> bytes:
    """Return the body for a mailbox whose owner is `entity`."""
    return (
        f"Messages-Waiting: {'yes' if messages.new else 'no'}\r\n"
        f"Message-Account: {entity}\r\n"
        f"Voice-Message: {messages.new}/{messages.old} (0/0)\r\n"
    ).encode()
