"""zkstate recover: rebuild an account from what was published."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from lightclient.recover import Limits, Recovery, recover
from lightclient.trust import PinnedHeader
from zkstate.cli.arguments import Namespace, Parser, address, existing, hex_bytes, seconds
from zkstate.cli.terminal import Terminal, duration_text, show_facts, size_text
from zkstate.errors import InputError
from zkstate.publication.mirrors import mirror_at
from zkstate.publication.trust import TRUST_LEVELS, TrustRoot
from zkstate.state.identity import AccountKey
from zkstate.state.margin import assess

USAGE = """\
usage: zkstate recover --key FILE --mirror PLACE [--mirror PLACE ...] TRUST --out BUNDLE
                       [--max-age DURATION] [--timeout DURATION] [--json]
       zkstate recover --new-key FILE [--json]

Rebuild one account from what the venue published, believing nothing but the trust root.

  --key FILE         the account key: one line of 64 hex digits in a file that only you can read
  --mirror PLACE     a folder or an http(s) address with published epochs; several may be given, and any of
                     them may be wrong, slow or gone
  --out BUNDLE       where the account bundle is written. It holds the account's secret: keep it private
  --max-age DURATION refuse a state older than this, such as 36h
  --timeout DURATION how long one request to one mirror may take (10s)
  --new-key FILE     make an account key, and print the owner and view key to hand to the venue

TRUST, one of:

  --rpc URL [--rpc URL ...] --registry ADDRESS [--block-hash HASH]
                     the newest epoch in the registry, proved against a block hash that the nodes agree on,
                     or that you give
  --header FILE      a header.bin that you got from somewhere you trust; no chain is asked

Example, after the examples of snapshot and publish:

  zkstate recover --key trader.key --mirror mirror --header mirror/epochs/00000001/header.bin --out account.json
"""


def declare(parser: Parser) -> None:
    parser.add_argument("--key", type=existing)
    parser.add_argument("--new-key", type=Path)
    parser.add_argument("--mirror", action="append", default=[])
    parser.add_argument("--header", type=existing)
    parser.add_argument("--rpc", action="append", default=[])
    parser.add_argument("--registry", type=address)
    parser.add_argument("--block-hash", type=hex_bytes(32))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--max-age", type=seconds)
    parser.add_argument("--timeout", type=seconds, default=10)
