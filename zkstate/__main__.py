"""`python -m zkstate` is the `zkstate` command."""

from zkstate.cli.main import entry

if __name__ == "__main__":
    entry()
