"""The appliance: composes the four rooms into a box, floor by floor (docs/map.md)."""
