"""Tests: tests/board."""
