"""Tests: tests/sip."""
