"""Measurements, each line with the machine it was made on: `make bench BENCH=sip|rtp|store`."""
