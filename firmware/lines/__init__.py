"""The lines of the box behind the one `Leg` interface: SIP endpoints."""
