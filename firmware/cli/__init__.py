"""The command line: a skin over the operations; argparse lives only here."""
