"""Who rings: calls as supervised task trees over `Leg` and `Bridge`."""
