"""Tests: tests/rtp."""
