"""`make demo`: two real softphones talk through the box, and what was heard is measured."""
