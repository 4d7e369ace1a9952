"""Who is measured: zkstate on each CPU path, and its peers, each a child process (benches/peers/protocol.md).

A child answers one JSON line to each JSON line it is sent and idles in between, so that the measurements of one run
alternate. `make bench-peers` builds the peers; one that is not there is reported as absent, with the reason.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zkstate.kernels import CPU_PATHS, best_path, cpu_words

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "build" / "peers"
OURS = "zkstate"
PYTHON_PEERS = [str(BUILT / "venv" / "bin" / "python"), "benches/peers/python_peers.py"]
ANY = 1 << 30
KERNELS = dict.fromkeys(
    ("fr_mul", "fp_mul", "ntt", "msm_g1", "msm_g2", "fixed_base_g1", "pairing_check", "pairing_check_fixed"), ANY
)
BLS = {
    "bls12_381_msm_g1": ANY,
    "bls12_381_pairing_check": 1,
    "bls12_381_hash_to_g2": 1,
    "bls12_381_fast_aggregate_verify": 512,
}
GROTH16 = dict.fromkeys(("groth16_setup", "groth16_prove", "groth16_verify", "groth16_verify_batch"), ANY)
CHAIN, HASHES = (dict.fromkeys((f"{name}_prove", f"{name}_verify"), ANY) for name in ("chain", "hashes"))
BLOBS = dict.fromkeys(("kzg_commit", "kzg_cell_proofs", "kzg_cell_verification"), 4096)


class EngineFailed(RuntimeError):
    """A child died, or answered that it could not."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A program to measure. `ops` gives the largest size of each operation that is worth the wait."""

    name: str
    command: list[str]
    needs: Path
    ops: Mapping[str, int]
    environment: Mapping[str, str] = field(default_factory=dict)
    path: str | None = None
    security: str = ""  # of a proof, as its authors state it
    slow: bool = False  # an oracle that is asked once, for one call

    def absent(self) -> str | None:
        return None if self.needs.exists() else f"absent: {self.needs.relative_to(ROOT)} is not built, make bench-peers"

    def can(self, op: str, size: int) -> bool:
        return size <= self.ops.get(op, 0)


def ours() -> list[Engine]:
    """One engine for each CPU path that runs here, slowest first."""
    script, words = str(ROOT / "benches" / "ours.py"), cpu_words()
    others = BLS | BLOBS
    ops = KERNELS | GROTH16 | {"poseidon_t3": ANY} | CHAIN | HASHES | others
    paths = CPU_PATHS[: CPU_PATHS.index(best_path(words)) + 1]
    return [
        Engine(
            OURS,
            [sys.executable, script],
            Path(script),
            ops,
            {"ZKSTATE_CPU": path, "PYTHONPATH": str(ROOT)},
            path,
            "128 bits, proven for a random oracle; no setup; zero knowledge; unaudited",
        )
        for path in paths
    ]


def peers() -> list[Engine]:
    rust, snarkjs = BUILT / "rust" / "release", ROOT / "tests" / "interop" / "node_modules" / "snarkjs"
    plonky2, python = BUILT / "plonky2" / "release" / "plonky2", Path(PYTHON_PEERS[0])
    return [
        Engine(
            "gnark",
            [str(BUILT / "gnark")],
            BUILT / "gnark",
            KERNELS | GROTH16 | CHAIN | HASHES,
            security="about 100 bits, by pairings on BN254; a trusted setup for each circuit; zero knowledge",
        ),
        Engine("arkworks", [str(rust / "arkworks")], rust / "arkworks", KERNELS | GROTH16 | {"poseidon_t3": ANY}),
        Engine(
            "snarkjs",
            ["node", "benches/peers/snarkjs.cjs", str(snarkjs / "build" / "main.cjs")],
            snarkjs / "build" / "main.cjs",
            {"groth16_prove": 1 << 16, "groth16_verify": ANY},
        ),
        Engine(
            "zksnake",
            [*PYTHON_PEERS, "zksnake"],
            python,
            {"ntt": 1 << 14, "msm_g1": 1 << 14, "pairing_check": ANY},
        ),
        Engine(
            "py_ecc",
            [*PYTHON_PEERS, "py_ecc"],
            python,
            BLS | {"fp_mul": 1 << 12, "pairing_check": 1, "bls12_381_msm_g1": 1 << 10},
            slow=True,
        ),
        Engine("galois", [*PYTHON_PEERS, "galois"], python, {"ntt": 1 << 10}),
        # BLS12-381: beside one another until zkstate has kernels of that curve.
        Engine(
            "spartan",
            [str(rust / "spartan")],
            rust / "spartan",
            CHAIN,
            security="about 126 bits, by discrete logarithms in ristretto255; no setup; zero knowledge",
        ),
        Engine(
            "ligero",
            [str(rust / "ligero")],
            rust / "ligero",
            CHAIN,
            security="128 bits, as the crate sets it; a commitment and one opening, not a proof; hides nothing",
        ),
        *(
            Engine(
                f"plonky2{more}",
                [str(plonky2), *more.split()],
                plonky2,
                HASHES,
                security=f"100 bits, conjectured (FRI); no setup; {'' if more else 'no '}zero knowledge",
            )
            for more in ("", " zk")
        ),
        Engine("blst", [str(rust / "blst")], rust / "blst", BLS),
        Engine(
            "py_arkworks_bls12381",
            [*PYTHON_PEERS, "py_arkworks_bls12381"],
            python,
            {"bls12_381_msm_g1": 1 << 14, "bls12_381_pairing_check": 1},
        ),
        Engine("ckzg", [*PYTHON_PEERS, "ckzg"], python, BLOBS),
    ]


@dataclass(frozen=True, slots=True)
class Timed:
    """One measurement, seconds a call."""

    wall_s: float
    cpu_s: float
    digest: str
    peak_mib: float
    proof_bytes: int = 0


class Running:
    """An engine's child process, held to as many cores as it gets threads."""

    def __init__(self, engine: Engine, threads: int = 1) -> None:
        cores = sorted(os.sched_getaffinity(0))[:threads]
        # Pools that a library sizes once, at its start, get the same number of threads as each request.
        pools = {"GOMAXPROCS": str(threads), "RAYON_NUM_THREADS": str(threads)}
        self.engine, self._threads = engine, threads
        self._child = subprocess.Popen(
            engine.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | pools | dict(engine.environment),
            preexec_fn=lambda: os.sched_setaffinity(0, cores),  # noqa: PLW1509  # no threads run yet
        )
        try:
            self.version = self._ask({"op": "hello"})["version"]
        except EngineFailed:
            self.close()
            raise

    def run(self, op: str, size: int, files: Mapping[str, Path] | None = None, repeat: int = 1) -> Timed:
        places = {key: str(path) for key, path in (files or {}).items()}
        found = self._ask({"op": op, "size": size, "repeat": repeat, "threads": self._threads, "files": places})
        return Timed(found["wall_s"], found["cpu_s"], found["digest"], found["peak_mib"], found.get("proof_bytes", 0))

    def close(self) -> None:
        if self._child.stdin:
            self._child.stdin.close()
        self._child.terminate()
        self._child.wait(timeout=60)

    def _ask(self, request: dict[str, object]) -> dict:
        assert self._child.stdin
        assert self._child.stdout
        try:
            self._child.stdin.write(json.dumps(request) + "\n")
            self._child.stdin.flush()
            line = self._child.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise EngineFailed(f"{self.engine.name} ended with code {self._child.wait()} at {request['op']}")
        found = json.loads(line)
        if found.get("error"):
            raise EngineFailed(f"{self.engine.name}: {request['op']}: {found['error']}")
        return found
