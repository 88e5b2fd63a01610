"""Analogue lines and HAT hardware: electricity, events and raw frames; no signalling."""
