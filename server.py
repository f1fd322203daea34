"""Slotcast's entry point: `python server.py` serves, and `python server.py --help` lists settings and commands."""

import sys

if __name__ == "__main__":
    try:
        from cli.command_line import run

        sys.exit(run())
    except KeyboardInterrupt:  # also during the imports, which take half a second
        sys.exit(130)
