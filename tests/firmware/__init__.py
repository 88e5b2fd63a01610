"""Tests: tests/firmware."""
