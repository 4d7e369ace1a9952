"""zkstate backup: keep a key and a state through the loss of a machine, a wallet or a guardian."""

from __future__ import annotations

from pathlib import Path

from zkstate.atomic import PRIVATE_FILE, PRIVATE_FOLDER, create_file, new_folder, write_new
from zkstate.backup.sealed import Kind, is_sealed, outline, seal, unseal
from zkstate.backup.shares import Group, join, split
from zkstate.backup.wallet import WalletRequest
from zkstate.cli.arguments import Namespace, Parser, address, existing, hex_bytes, k_of_n, require_options, whole
from zkstate.cli.backup_store import ACTIONS as STORE_ACTIONS
from zkstate.cli.backup_store import OPTIONS as STORE_OPTIONS
from zkstate.cli.backup_store import USAGE as STORE_USAGE
from zkstate.cli.backup_store import declare as declare_store
from zkstate.cli.keys import new_passphrase, read_key, read_passphrase, read_share, read_signature
from zkstate.cli.named import read_header, read_named
from zkstate.cli.terminal import Terminal, pretty_json, show_facts
from zkstate.errors import DisagreementError, InputError
from zkstate.state.identity import AccountKey, read_private

SETTINGS_LIMIT = 1 << 20

USAGE = f"""\
usage: zkstate backup make    --store DIR --passphrase FILE [--account BUNDLE] [--epoch DIR ...] [--file FILE ...]
                              [--sealed FILE ...] [--key KEY [--replace-key]] [--keep N] [--keep-daily N]
                              [--keep-weekly N] [--keep-monthly N]
       zkstate backup verify  --store DIR [OPEN] [BELIEVE]
       zkstate backup restore --store DIR [OPEN] [--number N] --out DIR
       zkstate backup drill   --store DIR OPEN [BELIEVE] [--number N]
       zkstate backup seal    KEY --passphrase FILE --out FILE
       zkstate backup seal    FILE --settings --passphrase FILE --out FILE
       zkstate backup unseal  FILE --unlock FILE --out KEY
       zkstate backup split   KEY --group KofN [--group KofN ...] [--groups-needed N] [--passphrase FILE] --out DIR
       zkstate backup join    SHARE [SHARE ...] [--passphrase FILE] [--owner HEX] --out KEY
       zkstate backup wallet  --header FILE [--number N] --out MESSAGE
       zkstate backup wallet  --header FILE [--number N] --address ADDRESS --signature FILE --again FILE --out KEY
                                                                                         each with [--json]

OPEN is --passphrase FILE or --key KEY or both; BELIEVE is --header FILE, or --rpc URL and --registry ADDRESS.

Keep a state in a folder of versions, and an account key: under a passphrase, as shares of guardians, or as what your
wallet can sign again.

{STORE_USAGE}\
  KEY           an account key file, in the clear or sealed (then with --unlock FILE, its passphrase)
  seal          encrypt the key under a passphrase (Argon2id, AES-256-GCM); recover takes the file with --unlock. With
                --settings any file of up to a mebibyte, such as your mirrors and nodes
  unseal        the other way round
  split         SLIP-39 shares, one file each, which wallets of that standard read too: K of N of a group speak for it,
                and --groups-needed groups together give the key. Splitting again replaces guardians, not the account
  join          the key from enough shares. --owner compares it with the owner that the venue knows, which is the only
                way to notice a wrong passphrase of shares
  wallet        the EIP-712 message that your wallet signs; then, from two signatures of it, the key. Keep the
                signatures as secret as the key. Any header of the venue names it; --number is 0 for a first account
  --passphrase  a file of one line that only you can read, or - to type it

Example:

  zkstate backup split trader.key --group 3of5 --out shares
"""

_OPTIONS = ("passphrase", "unlock", "group", "groups_needed", "owner", "header", "number", "settings")
_SIGNED = ("address", "signature", "again")


def declare(parser: Parser) -> None:
    parser.add_argument("action", choices=tuple(_ACTIONS))
    parser.add_argument("given", nargs="*", type=existing)
    parser.add_argument("--passphrase", type=Path)
    parser.add_argument("--unlock", type=Path)
    parser.add_argument("--group", type=k_of_n, action="append")
    parser.add_argument("--groups-needed", type=whole(1, 16))
    parser.add_argument("--owner", type=hex_bytes(32))
    parser.add_argument("--header", type=existing)
    parser.add_argument("--number", type=whole(0, (1 << 32) - 1))
    parser.add_argument("--address", type=address)
    parser.add_argument("--signature", type=existing)
    parser.add_argument("--again", type=existing)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--settings", action="store_true", default=None)
    declare_store(parser)


def run(args: Namespace, terminal: Terminal) -> int:
    return _ACTIONS[args.action](args, terminal)


def _takes(args: Namespace, positions: range, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    require_options(args, "backup", (*_OPTIONS, *_SIGNED, *STORE_OPTIONS, "out"), needed, optional)
    if len(args.given) not in positions:
        raise InputError(f"backup {args.action} does not take {len(args.given)} files (see --help)")


def _seal(args: Namespace, terminal: Terminal) -> int:
    _takes(args, range(1, 2), ("passphrase", "out"), ("unlock", "settings"))
    if args.settings:
        return _seal_settings(args, terminal)
    key = read_key(args.given[0], args.unlock)
    passphrase = new_passphrase(args.passphrase)
    with terminal.progress("backup seal"):
        sealed = seal(Kind.ACCOUNT_KEY, key.seed, passphrase)
    create_file(args.out, sealed, PRIVATE_FILE, "sealed key file")
    return _made(terminal, "seal", key, ("sealed key", f"{args.out}: worth as much as its passphrase"))


def _seal_settings(args: Namespace, terminal: Terminal) -> int:
    content = read_named(args.given[0], SETTINGS_LIMIT)
    sealed = seal(Kind.SETTINGS, content, new_passphrase(args.passphrase))
    create_file(args.out, sealed, PRIVATE_FILE, "sealed settings file")
    return _done(terminal, "seal", ("sealed settings", str(args.out)))


def _unseal(args: Namespace, terminal: Terminal) -> int:
    _takes(args, range(1, 2), ("unlock", "out"))
    data = read_private(args.given[0], 2 * SETTINGS_LIMIT, "sealed file")
    if is_sealed(data) and outline(data, str(args.given[0]))[0] is Kind.SETTINGS:
        content = unseal(Kind.SETTINGS, data, read_passphrase(args.unlock), str(args.given[0]))
        create_file(args.out, content, PRIVATE_FILE, "settings file")
        return _done(terminal, "unseal", ("settings", str(args.out)))
    with terminal.progress("backup unseal"):
        key = read_key(args.given[0], args.unlock)
    return _keep(args, terminal, key)


def _split(args: Namespace, terminal: Terminal) -> int:
    _takes(args, range(1, 2), ("group", "out"), ("groups_needed", "passphrase", "unlock"))
    key = read_key(args.given[0], args.unlock)
    passphrase = b"" if args.passphrase is None else new_passphrase(args.passphrase)
    needed = args.groups_needed or len(args.group)
    shape = [Group(*group) for group in args.group]
    groups = split(key, shape, needed, passphrase)
    with new_folder(args.out) as folder:
        folder.chmod(PRIVATE_FOLDER)
        for i, members in enumerate(groups, 1):
            for j, words in enumerate(members, 1):
                write_new(folder / f"group-{i}-share-{j}.txt", words.encode() + b"\n", PRIVATE_FILE)
    rule = " and ".join(f"{group.needed} of {group.members}" for group in shape)
    what = f"{args.out}: {sum(map(len, groups))} shares, {needed} of {len(groups)} groups ({rule}); hand them out"
    return _made(terminal, "split", key, ("shares", what))


def _join(args: Namespace, terminal: Terminal) -> int:
    _takes(args, range(1, 257), ("out",), ("passphrase", "owner"))
    passphrase = b"" if args.passphrase is None else read_passphrase(args.passphrase)
    with terminal.progress("backup join"):
        key = join({str(path): read_share(path) for path in args.given}, passphrase)
    if args.owner is not None and key.owner != int.from_bytes(args.owner):
        raise DisagreementError(
            f"these shares give the key of owner {key.owner:064x}, not of {args.owner.hex()}: "
            "the passphrase is another, or they are of another key"
        )
    return _keep(args, terminal, key)


def _wallet(args: Namespace, terminal: Terminal) -> int:
    asks = all(getattr(args, name) is None for name in _SIGNED)
    _takes(args, range(1), ("header", "out", *(() if asks else _SIGNED)), ("number",))
    request = WalletRequest(read_header(args.header).header.venue.to_bytes(32), args.number or 0)
    if not asks:
        return _keep(args, terminal, request.key(args.address, *map(read_signature, (args.signature, args.again))))
    create_file(args.out, pretty_json(request.typed_data()).encode())
    facts = [("message", f"{args.out}: have the wallet sign it twice (eth_signTypedData_v4)")]
    result = {"verb": "backup", "action": "wallet", "message": str(args.out)}
    terminal.emit(result, lambda console: show_facts(console, facts))
    return 0


def _stored(args: Namespace, terminal: Terminal) -> int:
    action, needed, optional = STORE_ACTIONS[args.action]
    _takes(args, range(1), needed, optional)
    return action(args, terminal)


def _keep(args: Namespace, terminal: Terminal, key: AccountKey) -> int:
    key.write(args.out)
    return _made(terminal, args.action, key, ("key", f"{args.out}: keep it private"))


def _made(terminal: Terminal, action: str, key: AccountKey, what: tuple[str, str]) -> int:
    public = {"owner": f"{key.owner:064x}", "view_key": key.view_public.hex()}
    facts = [what, *((name.replace("_", " "), value) for name, value in public.items())]
    result = {"verb": "backup", "action": action, **public}
    terminal.emit(result, lambda console: show_facts(console, facts))
    return 0


def _done(terminal: Terminal, action: str, what: tuple[str, str]) -> int:
    terminal.emit({"verb": "backup", "action": action, "out": what[1]}, lambda console: show_facts(console, [what]))
    return 0


_ACTIONS = {"seal": _seal, "unseal": _unseal, "split": _split, "join": _join, "wallet": _wallet}
_ACTIONS |= dict.fromkeys(STORE_ACTIONS, _stored)
