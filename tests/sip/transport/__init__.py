"""Tests: tests/sip/transport."""
