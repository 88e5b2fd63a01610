"""Tests: tests/provisioning."""
