"""What can be asked of a box: typed operations behind every skin (command line, console, web)."""
