"""The rules of the house, and the proof that breaking any of them is seen."""
