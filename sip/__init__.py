"""Signalling: messages, transactions, dialogs, offer/answer; I/O only in sip.transport."""
