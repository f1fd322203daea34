"""Slotcast's entry point: `python server.py` serves, and `python server.py --help` lists settings and commands."""

import sys

from cli.command_line import run

if __name__ == "__main__":
    sys.exit(run())
