"""The kernel tier: a BPF program that relays, and the maps by which it follows the forwarding plan."""
