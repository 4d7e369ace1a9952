"""zkstate publish: put an epoch where it survives the venue."""

from __future__ import annotations

from pathlib import Path

from zkstate.cli.arguments import Namespace, Parser, address, directory, existing, whole
from zkstate.cli.headers import header_facts, header_result
from zkstate.cli.terminal import Terminal, show_facts, size_text
from zkstate.errors import InputError
from zkstate.publication.epoch import PUBLIC
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.layout import HEADER
from zkstate.publication.publish import Published, publish_folder
from zkstate.publication.regular import read_below
from zkstate.registry.chain import address_text
from zkstate.registry.client import JsonRpcChain, KeyFile, NodeAccount
from zkstate.registry.registry import Registry

USAGE = """\
usage: zkstate publish DIR --mirror FOLDER [--mirror FOLDER ...] [--rpc URL CHAIN] [--json]

Copy an epoch to mirrors, then put its header hash into a registry on a chain. What is there already and the
same is accepted, so a publication that was interrupted is repeated as it was.

  DIR                   what zkstate snapshot wrote; only its public part leaves it
  --mirror FOLDER       a folder that a static web server, an object store or a disk serves
  --rpc URL             a node to send the transaction through
  --chain-id N          send nothing unless the node is on this chain

CHAIN, one of:

  --registry ADDRESS    the venue's registry
  --deploy              make a new registry for the venue first, and print its address

and, unless the node holds an unlocked account:

  --publisher-key FILE  the sender's private key: 64 hex digits in a file that only you can read

  --announce TEXT       where the mirrors are, for those who read the registry; at most 512 bytes

Example, after the example of snapshot:

  zkstate publish epoch-1 --mirror mirror
"""


def declare(parser: Parser) -> None:
    parser.add_argument("folder", type=directory)
    parser.add_argument("--mirror", type=Path, action="append", required=True)
    parser.add_argument("--rpc")
    parser.add_argument("--chain-id", type=whole(0, (1 << 64) - 1))
    parser.add_argument("--registry", type=address)
    parser.add_argument("--deploy", action="store_true")
    parser.add_argument("--publisher-key", type=existing)
    parser.add_argument("--announce", default="")


def run(args: Namespace, terminal: Terminal) -> int:
    on_chain = args.rpc is not None
    if on_chain != (args.deploy or args.registry is not None) or (args.deploy and args.registry is not None):
        raise InputError("a registry needs --rpc and either --registry or --deploy")
    for option in ("publisher_key", "chain_id"):
        if getattr(args, option) is not None and not on_chain:
            raise InputError(f"--{option.replace('_', '-')} is for a transaction, and no --rpc is given")
    public = args.folder / PUBLIC
    if not public.is_dir():
        raise InputError(f"{args.folder} has no folder {PUBLIC}: it is not what zkstate snapshot wrote")
    signed = SignedHeader.decode(read_below(public, HEADER, SIGNED_BYTES))
    chain = _open_chain(args) if on_chain else None
    if chain is not None and args.registry is not None:
        Registry(chain, args.registry).holds(signed.header.encode())
    with terminal.progress("publish") as progress:
        copies = [publish_folder(public, mirror, progress) for mirror in args.mirror]
        told = {} if chain is None else _to_registry(chain, args.registry, signed, args.announce)
    header = signed.header
    result = {"verb": "publish", **header_result(header), "mirrors": [_copy_result(copy) for copy in copies], **told}
    facts = [
        *header_facts(header),
        *(("mirror", _copy_text(copy)) for copy in copies),
        *((name.replace("_", " "), str(value)) for name, value in told.items()),
    ]
    terminal.emit(result, lambda console: show_facts(console, facts))
    return 0


def _open_chain(args: Namespace) -> JsonRpcChain:
    sender = NodeAccount() if args.publisher_key is None else KeyFile(args.publisher_key)
    return JsonRpcChain(args.rpc, sender, chain_id=args.chain_id)


def _to_registry(
    chain: JsonRpcChain, address: bytes | None, signed: SignedHeader, announcement: str
) -> dict[str, object]:
    """Publish in the registry at `address`, or in a new one."""
    registry = Registry(chain, address) if address else Registry.deploy(chain, signed.header.venue)[0]
    receipt = registry.publish(signed.header.encode(), announcement)
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
