"""`python -m zkstate` is the `zkstate` command."""

from zkstate.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
