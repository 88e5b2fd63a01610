"""What can be asked of a box: typed operations behind every skin (command line, console, web)."""

CONTROL = "control"
"""File name of the box's socket in its state directory."""
