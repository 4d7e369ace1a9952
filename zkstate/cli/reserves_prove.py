"""What `prove reserves` does: requests to sign, then a file of what the signed addresses hold."""

from __future__ import annotations

import time
from pathlib import Path

from zkstate.atomic import new_folder, replace_file, write_new
from zkstate.cli.arguments import Namespace, Parser, address, existing, hex_bytes, is_given
from zkstate.cli.headers import header_result, time_text
from zkstate.cli.named import read_named
from zkstate.cli.terminal import Terminal, pretty_json, show_facts
from zkstate.errors import InputError
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader
from zkstate.publication.layout import HEADER, PUBLIC
from zkstate.publication.regular import read_below
from zkstate.registry.chain import address_text
from zkstate.registry.rpc import TIMEOUT_S
from zkstate.reserves.collect import FINALIZED, collect
from zkstate.reserves.control import Control
from zkstate.reserves.document import MAX_ADDRESSES, RESERVES
from zkstate.reserves.tokens import MAX_TOKENS_BYTES, Tokens, read_json
from zkstate.reserves.verify import verify_reserves

OPTIONS = ("address", "controls", "tokens", "rpc", "block_hash")
TAKES = ("epoch", "out", "expiry", "chain_id", *OPTIONS)
FINAL = "the newest that the node calls finalized"
NOT_FINAL = "named by its hash: nothing says that it is finalized"


def declare_reserves(parser: Parser) -> None:
    parser.add_argument("--address", type=address, action="append")
    parser.add_argument("--controls", type=existing)
    parser.add_argument("--tokens", type=existing)
    parser.add_argument("--rpc")
    parser.add_argument("--block-hash", type=hex_bytes(32))


def run_reserves(args: Namespace, terminal: Terminal) -> int:
    """Write what is to be signed, or what was signed and is held."""
    for name in vars(args).keys() - {*TAKES, "statement", "json"}:
        if is_given(getattr(args, name)):
            raise InputError(f"prove reserves does not take --{name.replace('_', '-')}")
    if args.epoch is None:
        raise InputError("prove reserves: name the folder that zkstate snapshot wrote")
    if not (args.epoch / PUBLIC).is_dir():
        raise InputError(f"{args.epoch} has no folder {PUBLIC}: it is not what zkstate snapshot wrote")
    header = SignedHeader.decode(read_below(args.epoch / PUBLIC, HEADER, SIGNED_BYTES)).header
    return _request(header, args, terminal) if args.address else _collect(header, args, terminal)


def _request(header: Header, args: Namespace, terminal: Terminal) -> int:
    if args.chain_id is None or not args.expiry or args.out is None or is_given(args.controls):
        raise InputError("prove reserves --address: give --chain-id, --expiry and --out, and --controls later")
    if args.expiry < time.time():
        raise InputError(f"--expiry {args.expiry} has passed: it was {time_text(args.expiry)}")
    if len(set(args.address)) < len(args.address) or len(args.address) > MAX_ADDRESSES:
        raise InputError(f"--address: each once, and at most {MAX_ADDRESSES}")
    places = [address_text(one) for one in args.address]
    requests = [Control.request(header, "eip191", args.chain_id, place, args.expiry) for place in places]
    with new_folder(args.out) as folder:
        for request in requests:
            write_new(folder / f"{request.address}.txt", request.text().encode())
            write_new(folder / f"{request.address}.json", pretty_json(request.typed_data()).encode())
        controls = [{name: getattr(each, name) for name in each.__struct_fields__} for each in requests]
        write_new(folder / "controls.json", pretty_json({"controls": controls}).encode())
    facts = [
        ("to sign", f"{args.out}/<address>.txt with personal_sign, or <address>.json with eth_signTypedData_v4"),
        ("then", f"put the signatures into {args.out / 'controls.json'}, with the scheme eip191 or eip712"),
        ("until", time_text(args.expiry)),
    ]
    result = {
        "verb": "prove",
        "statement": RESERVES,
        "out": str(args.out),
        "addresses": places,
        **header_result(header),
    }
    terminal.emit(result, lambda console: show_facts(console, facts))
    return 0


def _collect(header: Header, args: Namespace, terminal: Terminal) -> int:
    if args.controls is None or args.tokens is None or args.rpc is None or is_given(args.out):
        raise InputError("prove reserves: give --address, or --controls, --tokens and --rpc")
    tokens = Tokens.decode(read_named(args.tokens, MAX_TOKENS_BYTES), str(args.tokens))
    controls = read_controls(args.controls)
    if args.chain_id not in (None, tokens.chain_id):
        raise InputError(f"--chain-id {args.chain_id}, and {args.tokens} is of chain {tokens.chain_id}")
    with terminal.progress("prove reserves"):
        found = collect(args.rpc, header, tokens, controls, args.block_hash, TIMEOUT_S)
    proved = verify_reserves(found, header, {tokens.chain_id: tokens})
    chosen = FINALIZED if args.block_hash is None else "by hash"
    target = args.epoch / RESERVES / f"{tokens.chain_id}.json"
    if not proved.reasons:
        target.parent.mkdir(exist_ok=True)
        replace_file(target, found.encode())
    facts = [
        *((("refused" if i == 0 else ""), words) for i, words in enumerate(proved.reasons)),
        *(("holds" if i == 0 else "", f"{float(amount):,.6f} {symbol}") for i, (symbol, amount) in
          enumerate(proved.totals().items())),
        ("block", f"{proved.block.number} of chain {proved.chain_id}, {time_text(proved.block.timestamp)}"),
        ("", FINAL if chosen == FINALIZED else NOT_FINAL),
        ("reserves", "nothing is written" if proved.reasons else str(target)),
    ]  # fmt: skip
    result = {"verb": "prove", "statement": RESERVES, "out": None if proved.reasons else str(target),
              "reasons": list(proved.reasons), "block": {"number": proved.block.number,
              "hash": f"0x{proved.block.hash.hex()}", "chosen": chosen}, **header_result(header)}  # fmt: skip
    terminal.emit(result, lambda console: show_facts(console, facts))
    return int(bool(proved.reasons))


def read_controls(path: Path) -> tuple[Control, ...]:
    """The signed statements in a file."""
    found: dict[str, tuple[Control, ...]] = read_json(
        read_named(path, MAX_TOKENS_BYTES), dict[str, tuple[Control, ...]], str(path)
    )
    if list(found) != ["controls"] or not 0 < len(found["controls"]) <= MAX_ADDRESSES:
        raise InputError(f"{path} has no list of 1 to {MAX_ADDRESSES} controls")
    return found["controls"]
