"""Benchmarks: each family has `run() -> list[str]`."""
