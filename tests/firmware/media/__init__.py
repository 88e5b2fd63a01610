"""Tests: tests/firmware/media."""
