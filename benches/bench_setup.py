"""Times a trusted setup beside snarkjs on the same files, and checks that both wrote the same bytes.

    python benches/bench_setup.py [--power N] [--no-peer] [--json]

`prepare` adds the Lagrange bases to powers of tau, `new` makes a circuit key of them, `verify powers` and `verify key`
check the whole chain. Seconds of one run each, ours first and then the peer's, and CPU seconds of both: `cpu_ratio` is
the fairer one on a busy machine, while the peer uses one core for most of it. The powers come from a known tau.
snarkjs is found in tests/interop/node_modules (make interop).
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from compare import Line, report  # noqa: E402

from tests.proof.circuits import Small  # noqa: E402
from tests.proof.ptau import ceremony_ptau  # noqa: E402
from zkstate.atomic import replace_file  # noqa: E402
from zkstate.kernels import cpu_path, thread_count  # noqa: E402
from zkstate.proof import ptau_file, r1cs_file, zkey_file  # noqa: E402
from zkstate.proof.ceremony import contribute, verify_key  # noqa: E402
from zkstate.proof.contribution import Author  # noqa: E402
from zkstate.proof.phase2 import initial_key  # noqa: E402
from zkstate.proof.powers import prepare, verify_powers  # noqa: E402

SNARKJS = ROOT / "tests" / "interop" / "node_modules" / ".bin" / "snarkjs"


def cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def timed(work: Callable[[], object], who: int = resource.RUSAGE_SELF) -> tuple[float, float]:
    """Wall and CPU seconds."""
    began, used = time.perf_counter(), cpu(who)
    work()
    return time.perf_counter() - began, cpu(who) - used


def peer(*arguments: object) -> None:
    command = ["node", str(SNARKJS), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"snarkjs {arguments[:2]}: {done.stdout}{done.stderr}")


def chain(rows: int) -> Small:
    """x -> x^2, so many times."""
    values = [1, 0, 3]
    for _ in range(rows):
        values.append(values[-1] ** 2 % 2**61)
    products = [({2 + i: 1}, {2 + i: 1, 0: i % 7}, {3 + i: 1}) for i in range(rows)]
    return Small(products, 1, values)


def table(power: int, folder: Path, *, beside: bool) -> list[Line]:
    files = {name: folder / name for name in ("bare.ptau", "ours.ptau", "theirs.ptau", "c.r1cs")}
    keys = {name: folder / f"{name}.zkey" for name in ("ours", "theirs", "one")}
    files["bare.ptau"].write_bytes(ceremony_ptau(power, prepared=False))
    r1cs = chain((1 << power) - 4).r1cs
    r1cs_file.write(files["c.r1cs"], r1cs_file.R1csFile.of(r1cs))
    bare = ptau_file.read(files["bare.ptau"])

    def ours_new() -> None:
        zkey_file.write_zkey(keys["ours"], initial_key(r1cs, ptau_file.read(files["ours.ptau"])))

    def ours_powers() -> None:
        assert verify_powers(ptau_file.read(files["ours.ptau"])).accepted

    def ours_key() -> None:
        initial = initial_key(r1cs, ptau_file.read(files["ours.ptau"]))
        assert verify_key(zkey_file.read_zkey(keys["one"]), initial, r1cs).accepted

    def ours_contribute() -> None:
        zkey_file.write_zkey(keys["one"], contribute(zkey_file.read_zkey(keys["ours"]), Author("bench"))[0])

    circuit, prepared = files["c.r1cs"], files["ours.ptau"]
    steps: list[tuple[str, Callable[[], object], tuple[object, ...]]] = [
        (
            "prepare",
            lambda: replace_file(prepared, prepare(bare)),
            ("powersoftau", "prepare", "phase2", files["bare.ptau"], files["theirs.ptau"]),
        ),
        ("verify powers", ours_powers, ("powersoftau", "verify", prepared)),
        ("new", ours_new, ("zkey", "new", circuit, prepared, keys["theirs"])),
        ("new, powers unprepared", lambda: initial_key(r1cs, bare), ()),
        ("contribute", ours_contribute, ("zkey", "contribute", keys["ours"], folder / "x.zkey", "-e=x", "--name=x")),
        ("verify key", ours_key, ("zkey", "verify", circuit, prepared, keys["one"])),
    ]
    lines = []
    for name, ours, theirs in steps:
        wall, used = timed(ours)
        line = Line(name, 1 << power, thread_count(0), cpu_path(), wall, used, (wall, wall))
        if beside and theirs:
            peer_wall, peer_used = timed(lambda run=theirs: peer(*run), resource.RUSAGE_CHILDREN)
            line = replace(line, peer="snarkjs", peer_s=peer_wall, peer_cpu_s=peer_used, ratio=peer_wall / wall)
            line = replace(line, cpu_ratio=peer_used / used)
        lines.append(line)
        if beside and name == "prepare" and files["theirs.ptau"].read_bytes() != prepared.read_bytes():
            raise SystemExit("the peer prepared other bytes")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description="Time a trusted setup beside snarkjs.")
    parser.add_argument("--power", type=int, default=11)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = table(args.power, Path(folder), beside=not args.no_peer and SNARKJS.exists())
    report(lines, args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
