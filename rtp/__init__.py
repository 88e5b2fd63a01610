"""Media: packets, the forwarding plan and the tiers that follow it; no signalling."""
