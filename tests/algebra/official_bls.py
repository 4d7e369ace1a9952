"""The official vectors of BLS12-381, read in place: archives of YAML cases, tables of the EVM and of RFC 9380."""

from __future__ import annotations

import json
import lzma
import tarfile
from functools import cache

import yaml

from tests.shared import shared_path


@cache
def archive(name):
    """Every file of an archive of the family, by its path."""
    with tarfile.open(shared_path(f"vectors/bls12_381/{name}.tar.xz")) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}


def cases(handler):
    """(name, input, output) of one handler of the general BLS tests or of Altair's."""
    if handler.startswith("eth_"):
        found = {name: data for name, data in archive("altair_bls_general").items() if f"/{handler}/" in name}
        files = {name.split("/")[-2]: data for name, data in found.items() if name.endswith("data.yaml")}
    else:
        found = archive("bls_general")
        files = {n.split("/")[-1]: data for n, data in found.items() if n.split("/")[-2] == handler}
    for name, data in sorted(files.items()):
        case = yaml.safe_load(data)
        yield name, case["input"], case["output"]


def precompile(name):
    path = shared_path(f"vectors/eip2537/{name}")
    data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    return json.loads(data)


def rfc9380(name):
    return json.loads(shared_path(f"vectors/rfc9380/{name}.json").read_text())


def unhex(text):
    return bytes.fromhex(text.removeprefix("0x"))
