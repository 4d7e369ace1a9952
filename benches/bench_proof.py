"""Times Groth16: setup, reading a key, proving, verifying, verifying in batches; snarkjs and py_ecc beside it.

    python benches/bench_proof.py [--json] [--powers 12,14,16] [--rounds 5]

The circuit is a chain of fifth powers, so that no wire is small and the figures are those of hash-heavy circuits.
Every size runs in fresh processes, one for setup and one for proving, so that their peak memory is their own; a size
runs with all cores and pinned to one. snarkjs (run `make interop` once) proves with the same key and witness, its own
start not counted; without it the column says absent. Proofs are checked before anything is timed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import described

from zkstate.constraint.r1cs import R1cs, SparseMatrix
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof import wtns_file, zkey_file
from zkstate.proof.groth16 import Proof, prove, verify, verify_batch
from zkstate.proof.keys import VerifyingKey
from zkstate.proof.setup import insecure_setup

SEED = b"the seed of a benchmark"
ROOT = Path(__file__).resolve().parent.parent
SNARKJS = ROOT / "tests" / "interop" / "node_modules" / "snarkjs" / "build" / "main.cjs"
BATCHES = (1, 16, 256)


def fifth_powers(n: int) -> tuple[R1cs, FrVec]:
    """x -> x^5 over and over in n rows: u = x x, v = u u, y = v x. The first x is public."""
    rows = np.arange(n)
    step, kind = rows // 3, rows % 3
    x, u, v = 1 + 3 * step, 2 + 3 * step, 3 + 3 * step
    columns = [np.choose(kind, (x, u, v)), np.choose(kind, (x, u, x)), rows + 2]
    ends, pool = np.arange(n + 1, dtype=np.uint64), FrVec.ones(1)
    a, b, c = (
        SparseMatrix(ends, column.astype(np.uint32), np.zeros(n, dtype=np.uint32), pool, n + 2) for column in columns
    )
    witness = [1, 0x5EED]
    for left, right in zip(columns[0].tolist(), columns[1].tolist(), strict=True):
        witness.append(witness[left] * witness[right] % FR_MODULUS)
    return R1cs(n + 2, 1, a, b, c), FrVec.from_ints(witness)


def rounds(work: Callable[[], object], n: int) -> dict[str, object]:
    """Median and range of the wall time of n runs, and the median CPU time."""
    wall, cpu = [], []
    for _ in range(n):
        start, cpu_start = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
    return {"ours_s": statistics.median(wall), "spread_s": [min(wall), max(wall)], "cpu_s": statistics.median(cpu)}


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def set_up(power: int, folder: Path, n: int, found: multiprocessing.Queue) -> None:
    """Time the setup, and leave key, verification key and witness in the folder."""
    r1cs, witness = fifth_powers((1 << power) - 2)
    key = insecure_setup(r1cs, SEED)
    assert key.domain_size == 1 << power
    timed = rounds(lambda: insecure_setup(r1cs, SEED), n)
    zkey_file.write_zkey(folder / "key.zkey", key)
    (folder / "vk.json").write_text(key.vk.to_json(), encoding="utf-8")
    wtns_file.write(folder / "w.wtns", witness)
    found.put([{"name": "setup", **timed, "peak_mib": peak_mib()}])


def prove_and_verify(folder: Path, n: int, found: multiprocessing.Queue) -> None:
    """Time what a prover and a verifier do with the files in the folder."""
    path = folder / "key.zkey"
    witness = wtns_file.read(folder / "w.wtns")
    pin = zkey_file.file_pin(path)
    key = zkey_file.read_zkey(path, pin)
    public, proof = witness.slice(1, 2).to_ints(), prove(key, witness)
    assert verify(key.vk, public, proof)
    lines = [{"name": "prove", **rounds(lambda: prove(key, witness), n), "peak_mib": peak_mib()}]
    lines.append({"name": "read pinned key", **rounds(lambda: zkey_file.read_zkey(path, pin), n)})
    lines.append({"name": "read and check key", **rounds(lambda: zkey_file.read_zkey(path), 1)})
    lines.append({"name": "verify", **rounds(lambda: verify(key.vk, public, proof), 20)})
    text = proof.to_json()
    assert Proof.from_json(text) == proof
    lines.append({"name": "read proof", **rounds(lambda: Proof.from_json(text), 20)})
    found.put(lines)


def verify_batches(n: int, found: multiprocessing.Queue) -> None:
    """Time batches of distinct proofs, per proof."""
    r1cs, witness = fifth_powers(30)
    key = insecure_setup(r1cs, SEED)
    public = witness.slice(1, 2).to_ints()
    statements = [(public, prove(key, witness)) for _ in range(max(BATCHES))]
    lines = []
    for size in BATCHES:
        batch = statements[:size]
        assert verify_batch(key.vk, batch)
        assert not verify_batch(key.vk, [*batch[:-1], ([public[0] + 1], batch[-1][1])])
        timed = rounds(lambda batch=batch: verify_batch(key.vk, batch), n)
        per_proof = {k: [x / size for x in v] if isinstance(v, list) else v / size for k, v in timed.items()}
        lines.append({"name": "verify in a batch, per proof", "size": size, **per_proof})
    found.put(lines)


def in_child(target: Callable[..., None], *arguments: object) -> list[dict[str, object]]:
    """What a fresh process finds: its memory is its own."""
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    child = context.Process(target=target, args=(*arguments, found))
    child.start()
    lines = found.get()
    child.join()
    return lines


def snarkjs(folder: Path, n: int) -> dict[str, float]:
    """Median seconds of snarkjs on the same files, {} where it is absent."""
    node = shutil.which("node")
    if node is None or not SNARKJS.exists():
        return {}
    script = ROOT / "benches" / "peers" / "snarkjs_groth16.cjs"
    files = [folder / name for name in ("key.zkey", "w.wtns", "vk.json")]
    done = subprocess.run([node, script, SNARKJS, *files, str(n)], capture_output=True, text=True, check=True)
    return {name: statistics.median(seconds) for name, seconds in json.loads(done.stdout).items()}


def py_ecc_verify(folder: Path) -> Callable[[], bool] | None:
    """The equation of one proof in py_ecc, or None where it is absent."""
    try:
        from py_ecc import optimized_bn128 as ecc  # noqa: PLC0415  # a peer, not a dependency
    except ModuleNotFoundError:
        return None
    vk = VerifyingKey.from_json((folder / "vk.json").read_bytes())
    witness, key = wtns_file.read(folder / "w.wtns"), zkey_file.read_zkey(folder / "key.zkey")
    proof, public = prove(key, witness), witness[1]

    def g1(point):
        x, y = point.affine
        return ecc.FQ(x), ecc.FQ(y), ecc.FQ(1)

    def g2(point):
        x, y = point.affine
        return ecc.FQ2(x), ecc.FQ2(y), ecc.FQ2.one()

    def check() -> bool:
        bound = ecc.add(g1(vk.ic[0]), ecc.multiply(g1(vk.ic[1]), public))
        product = ecc.pairing(g2(proof.b), ecc.neg(g1(proof.a)), final_exponentiate=False)
        for right, left in ((vk.beta, g1(vk.alpha)), (vk.gamma, bound), (vk.delta, g1(proof.c))):
            product = product * ecc.pairing(g2(right), left, final_exponentiate=False)
        return ecc.final_exponentiate(product) == ecc.FQ12.one()

    return check


def table(powers: list[int], n: int) -> list[dict[str, object]]:
    every = sorted(os.sched_getaffinity(0))
    lines: list[dict[str, object]] = []
    for cores in [every] if len(every) == 1 else [every, every[:1]]:
        os.sched_setaffinity(0, cores)  # children inherit it, and with it the number of threads
        for power in powers:
            with tempfile.TemporaryDirectory() as place:
                folder = Path(place)
                found = in_child(set_up, power, folder, max(1, n // 2))
                found += in_child(prove_and_verify, folder, n)
                beside = {name: ("snarkjs", seconds) for name, seconds in snarkjs(folder, max(2, n // 2)).items()}
                lines += [finished(line | {"size": 1 << power}, len(cores), beside) for line in found]
                if power == powers[0] and (check := py_ecc_verify(folder)) is not None and check():
                    seconds = rounds(check, 3)["ours_s"]
                    mine = next(line for line in found if line["name"] == "verify")
                    lines.append(finished(mine | {"size": 1 << power}, len(cores), {"verify": ("py_ecc", seconds)}))
        lines += [finished(line, len(cores), {}) for line in in_child(verify_batches, n)]
    os.sched_setaffinity(0, every)
    return lines


def finished(line: dict[str, object], threads: int, beside: dict[str, tuple[str, float]]) -> dict[str, object]:
    """A line with its peer, or with the peer said to be absent."""
    peer, seconds = beside.get(str(line["name"]), ("snarkjs absent" if line["name"] == "prove" else None, None))
    ratio = None if seconds is None else seconds / line["ours_s"]
    return {"threads": threads, "path": "portable", **line, "peer": peer, "peer_s": seconds, "ratio": ratio}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time Groth16.")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of lines")
    parser.add_argument("--powers", default="12,14,16", help="sizes of the circuits, as powers of two")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    lines = table([int(power) for power in args.powers.split(",")], args.rounds)
    if args.json:
        print(json.dumps(lines, indent=1))
        return
    print(described())
    for line in lines:
        low, high = line["spread_s"]
        memory = f"  peak {line['peak_mib']:.0f} MiB" if "peak_mib" in line else ""
        beside = f"  {line['peer']}" if line["peer"] else ""
        if line["ratio"] is not None:
            beside += f" {line['peer_s'] * 1e3:.1f} ms, {line['ratio']:.1f}x"
        print(
            f"{line['name']:30} {line['size']:>8}  threads {line['threads']}  {line['ours_s'] * 1e3:9.2f} ms "
            f"({low * 1e3:.2f} to {high * 1e3:.2f}){memory}{beside}"
        )


if __name__ == "__main__":
    main()
