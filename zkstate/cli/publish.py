"""zkstate publish: put an epoch where it survives the venue."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from zkstate.cli.annexes import publish_annexes
from zkstate.cli.arguments import Namespace, Parser, address, directory, existing, whole
from zkstate.cli.blobs import declare_sending, kept, packed
from zkstate.cli.deploy import NODE_SIGNS, declare_deploy, deploy_vault, planned, registry_terms
from zkstate.cli.headers import header_facts, header_result
from zkstate.cli.terminal import Terminal, show_facts, size_text
from zkstate.errors import InputError
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.layout import HEADER, PUBLIC
from zkstate.publication.mirrors import target_at
from zkstate.publication.publish import Published, publish_shards, publish_some_shards, publish_whole
from zkstate.publication.regular import read_below
from zkstate.publication.venue_publish import FIRST, publish_journal
from zkstate.registry.chain import address_text, parse_address
from zkstate.registry.client import JsonRpcChain, KeyFile, NodeAccount
from zkstate.registry.registry import Registry
from zkstate.registry.rpc import TIMEOUT_S

USAGE = """\
usage: zkstate publish DIR [--mirror PLACE ...] [--shard-mirror PLACE ...] [--shard N=PLACE ...] [--rpc URL CHAIN]
                       [--json]

Copy an epoch to mirrors, then put its header hash into a registry on a chain. What is there already and the
same is accepted, so a publication that was interrupted is repeated as it was; so is one to which a proof of
solvency has come since.

  DIR                   what zkstate snapshot wrote; only its public part leaves it, and the proof of solvency that
                        prove solvency finished there
  --mirror PLACE        a folder that a static web server or a disk serves, or a store as a URL that fsspec knows, such
                        as s3://bucket/venue; its driver is installed and configured apart
  --shard-mirror PLACE  the same, but it takes one of the shards that the snapshot committed to; give one for each
  --shard N=PLACE       only shard N, from 0: gives a lost mirror its own back after zkstate recover --files
  --rpc URL             a node to send the transaction through
  --chain-id N          send nothing unless the node is on this chain

CHAIN, one of:

  --registry ADDRESS    the venue's registry
  --deploy              make a new registry for the venue first, and print its address; with
    --governance ADDRESS        who may halt it, roll it back and replace the publisher (the sender)
    --staleness-limit DURATION  how old the newest epoch is when the venue counts as silent (7d)
    --rollback-delay DURATION   how long a rollback is announced before it takes effect (2d)

and, unless the node holds an unlocked account:

  --publisher-key FILE  the sender's private key: 64 hex digits in a file that only you can read

  --announce TEXT       where the mirrors are, for those who read the registry; at most 512 bytes

  --blobs               send the epoch's files in blobs of the transaction, as far as six hold them (761,832 bytes)
  --blob-archive FOLDER keep the blobs below FOLDER too: the chain forgets them after some 18 days
  --blob-cells FOLDER   keep their cells, spread over the folders given; any 64 of 128 give a blob back

With either of them, a vault that pays proofs of `exit` when the registry is stale or halted (docs/registry.md):

  --asset SYMBOL=TOKEN  pay this asset in a token, as its address and its decimals (USDT=0x..:6), or in the chain's own
                        coin (SYMBOL=native)
  --exit-key KEY        pay on this key of `exit`, as JSON; one for each size of account
  --ceremony RECORD     what zkstate setup verify left of the key's ceremony
  --allow-insecure-setup  take a known insecure key too, or make it: KEY is then a circuit, such as exit-8. Anyone can
                        forge exits under it. For trying things out
  --suspension-limit DURATION   how long past the staleness limit a pending rollback can hold payments up (twice
                                its delay; without --deploy there is no default)
  --release-delay DURATION      how long governance announces taking collateral out (14d)

Example, after the example of snapshot:

  zkstate publish epoch-1 --mirror mirror
"""


def declare(parser: Parser) -> None:
    parser.add_argument("folder", type=directory)
    parser.add_argument("--mirror", action="append", default=[])
    parser.add_argument("--shard-mirror", action="append", default=[])
    parser.add_argument("--shard", type=_numbered, action="append", default=[])
    parser.add_argument("--rpc")
    parser.add_argument("--chain-id", type=whole(0, (1 << 64) - 1))
    parser.add_argument("--registry", type=address)
    declare_deploy(parser)
    declare_sending(parser)
    parser.add_argument("--publisher-key", type=existing)
    parser.add_argument("--announce", default="")


def run(args: Namespace, terminal: Terminal) -> int:
    journal = (args.folder / FIRST).exists()
    return _publish_journal(args, terminal) if journal else _publish_epoch(args, terminal)


def _publish_epoch(args: Namespace, terminal: Terminal) -> int:
    on_chain = args.rpc is not None
    if on_chain != (args.deploy or args.registry is not None) or (args.deploy and args.registry is not None):
        raise InputError("a registry needs --rpc and either --registry or --deploy")
    for option in ("publisher_key", "chain_id"):
        if getattr(args, option) is not None and not on_chain:
            raise InputError(f"--{option.replace('_', '-')} is for a transaction, and no --rpc is given")
    if not (args.mirror or args.shard_mirror or args.shard or args.blobs):
        raise InputError("--mirror or --shard-mirror is needed: a registry holds no files")
    if len({shard for shard, _ in args.shard}) < len(args.shard):
        raise InputError("--shard names a shard twice")
    whole_at, shards_at = [[target_at(place) for place in places] for places in (args.mirror, args.shard_mirror)]
    some_at = {shard: target_at(place) for shard, place in args.shard}
    public = args.folder / PUBLIC
    if not public.is_dir():
        raise InputError(f"{args.folder} has no folder {PUBLIC}: it is not what zkstate snapshot wrote")
    signed = SignedHeader.decode(read_below(public, HEADER, SIGNED_BYTES))
    plan, blobs = planned(args, public, signed), packed(args, public)
    chain = _open_chain(args) if on_chain else None
    registry = None if chain is None or args.registry is None else Registry(chain, args.registry)
    if registry is not None:
        registry.holds(signed.header.encode())
    if chain is not None and plan is not None:
        plan.check(chain, registry)
    if (args.deploy or plan is not None) and args.publisher_key is None:
        terminal.say(NODE_SIGNS)
    with terminal.progress("publish") as progress:
        copies = [publish_whole(public, mirror, progress) for mirror in whole_at]
        if shards_at:
            copies += publish_shards(public, shards_at, progress)
        if some_at:
            copies += publish_some_shards(public, some_at, progress)
        told = kept(blobs, args)
        if chain is not None:
            told |= _to_chain(chain, args, signed, blobs, terminal)
            if plan is not None:
                told |= deploy_vault(plan, Registry(chain, parse_address(str(told["registry"]))), terminal)
        for mirror in (*whole_at, *shards_at, *some_at.values()):  # last: it can come later, and holds nothing else up
            copies += publish_annexes(args.folder, signed.header, mirror, progress)
    header = signed.header
    result = {"verb": "publish", **header_result(header), "mirrors": [_copy_result(copy) for copy in copies], **told}
    facts = [
        *header_facts(header),
        *(("mirror", _copy_text(copy)) for copy in copies),
        *((name.replace("_", " "), str(value)) for name, value in told.items()),
    ]
    terminal.emit(result, lambda console: show_facts(console, facts))
    return 0


def _publish_journal(args: Namespace, terminal: Terminal) -> int:
    """The segments of a venue's journal, between epochs or with one."""
    if args.shard_mirror or args.shard or args.blobs or args.rpc is not None or not args.mirror:
        raise InputError("a journal is published to --mirror alone")
    targets = [target_at(place) for place in args.mirror]
    with terminal.progress("publish") as progress:
        copies = [publish_journal(args.folder, target, progress) for target in targets]
    result = {"verb": "publish", "journal": str(args.folder), "mirrors": [_copy_result(copy) for copy in copies]}
    terminal.emit(result, lambda console: show_facts(console, [("mirror", _copy_text(copy)) for copy in copies]))
    return 0


def _numbered(text: str) -> tuple[int, str]:
    """N=PLACE."""
    number, _, place = text.partition("=")
    if not re.fullmatch(r"[0-9]{1,2}", number, re.ASCII) or not place:
        raise argparse.ArgumentTypeError(f"{text!r} is not N=PLACE, such as 2=mirror-2")
    return int(number), place


def _open_chain(args: Namespace) -> JsonRpcChain:
    sender = NodeAccount() if args.publisher_key is None else KeyFile(args.publisher_key)
    # A node checks the proofs of all cells before it answers.
    timeout_s = 6 * TIMEOUT_S if args.blobs else TIMEOUT_S
    return JsonRpcChain(args.rpc, sender, chain_id=args.chain_id, timeout_s=timeout_s)


def _to_chain(
    chain: JsonRpcChain, args: Namespace, signed: SignedHeader, blobs: Sequence[bytes], terminal: Terminal
) -> dict[str, object]:
    """Publish in the registry named, or in a new one."""
    if args.registry is None:
        registry, _ = Registry.deploy(chain, signed.header.venue, **registry_terms(args))
        terminal.say(f"registry: {address_text(registry.address)}")
    else:
        registry = Registry(chain, args.registry)
    receipt = registry.publish(signed.header.encode(), args.announce, blobs)
    done = None if receipt is None else receipt.transaction_hash
    return {
        "registry": address_text(registry.address),
        "chain_id": chain.chain_id,
        "transaction": None if done is None else f"0x{done.hex()}",
        "gas": None if receipt is None else receipt.gas_used,
        "block": None if receipt is None else receipt.block_number,
    }


def _copy_result(copy: Published) -> dict[str, object]:
    return {"folder": str(copy.folder), "files": copy.files, "bytes": copy.copied_bytes, "already": copy.already}


def _copy_text(copy: Published) -> str:
    how = "was there already" if copy.already else f"{copy.files} files, {size_text(copy.copied_bytes)}"
    return f"{copy.folder} ({how})"
