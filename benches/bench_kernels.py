"""Times the kernels over BN254: field, transform, sums of multiples, fixed base, subgroup checks, pairing.

    python benches/bench_kernels.py                one line a measurement
    python benches/bench_kernels.py --json         the same as a list of objects, seconds per call
    python benches/bench_kernels.py --quick        without galois, whose first transform factors r - 1 for minutes

Peers are py_ecc (optimized_bn128) and galois, pure Python and numpy: a floor, not a goal. A peer that is too slow for
the size is timed on `peer_size` items and its seconds scaled up. Every answer is checked before it is timed; a
figure is the median of the rounds, its spread their range.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from machine import described
from py_ecc.fields import optimized_bn128_FQ as FQ
from py_ecc.optimized_bn128 import G1, G2, Z1, add, multiply, normalize, pairing

from zkstate.kernels import (
    FP_MODULUS,
    FR_MODULUS,
    FrVec,
    G1Vec,
    G2Vec,
    fixed_base_g1,
    fixed_base_g2,
    msm_g1,
    msm_g2,
    ntt,
    pairing_check,
    thread_count,
)

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """Seconds for one call on `size` items."""

    name: str
    size: int
    threads: int
    path: str
    ours_s: float
    spread_s: tuple[float, float]
    peer: str | None
    peer_s: float | None
    peer_size: int | None
    ratio: float | None


def seconds(call: Callable[[], object], rounds: int, repeat: int = 1) -> list[float]:
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeat):
            call()
        found.append((time.perf_counter() - start) / repeat)
    return found


def line(
    name: str,
    size: int,
    threads: int,
    ours: Callable[[], object],
    peer: tuple[str, int, Callable[[], object]] | None = None,
    repeat: int = 1,
) -> Line:
    """Time `ours` on `size` items, and a peer (name, items in its call, call) scaled to as many."""
    times = seconds(ours, ROUNDS, repeat)
    median = statistics.median(times)
    peer_s = statistics.median(seconds(peer[2], 1)) * size / peer[1] if peer else None
    return Line(
        name=name,
        size=size,
        threads=threads,
        path="portable",
        ours_s=median,
        spread_s=(min(times), max(times)),
        peer=peer[0] if peer else None,
        peer_s=peer_s,
        peer_size=peer[1] if peer else None,
        ratio=peer_s / median if peer_s is not None else None,
    )


def scalars(n: int, seed: int) -> FrVec:
    source = random.Random(seed)
    return FrVec.from_ints(source.randrange(FR_MODULUS) for _ in range(n))


def affine(point: tuple[FQ, FQ, FQ]) -> tuple[int, int]:
    x, y = normalize(point)
    return int(x), int(y)


def bench_field() -> Iterator[Line]:
    n = 1 << 10
    a, b = scalars(n, 1), scalars(n, 2)
    assert (a * b).to_ints() == [x * y % FR_MODULUS for x, y in zip(a.to_ints(), b.to_ints(), strict=True)]
    left, right = [FQ(x % FP_MODULUS) for x in a.to_ints()], [FQ(y) for y in b.to_ints()]
    peer = ("py_ecc", n, lambda: [x * y for x, y in zip(left, right, strict=True)])
    yield line("fr_mul", n, 1, lambda: a * b, peer, repeat=50)
    assert a.inverse() * a == FrVec.ones(n)
    yield line("fr batch inverse", n, 1, a.inverse, repeat=20)


def bench_ntt(every: list[int], quick: bool) -> Iterator[Line]:
    for log_n in (10, 14, 16, 18, 20):
        n = 1 << log_n
        v = FrVec.ones(n).scale_powers(3)
        before, out = v.copy(), v.copy()
        ntt(out)
        x = 3 * pow(5, (FR_MODULUS - 1) // n, FR_MODULUS) % FR_MODULUS
        assert out[1] == (pow(x, n, FR_MODULUS) - 1) * pow(x - 1, -1, FR_MODULUS) % FR_MODULUS
        ntt(out, inverse=True)
        assert out == before
        peer = None
        if log_n == 10 and not quick:
            peer = ("galois", n, galois_ntt(v))
        for threads in every:
            yield line(f"ntt 2^{log_n}", n, threads, lambda v=v, t=threads: ntt(v, threads=t), peer)
            peer = None


def galois_ntt(v: FrVec) -> Callable[[], object]:
    """galois on the same input, warmed up, its answer checked."""
    import galois  # noqa: PLC0415

    values = galois.GF(FR_MODULUS, primitive_element=5, verify=False)(v.to_ints())
    expected = v.copy()
    ntt(expected)
    assert [int(y) for y in galois.ntt(values)] == expected.to_ints()
    return lambda: galois.ntt(values)


def bench_msm(every: list[int]) -> Iterator[Line]:
    logs = scalars(1 << 16, 3)
    points, factors = fixed_base_g1(logs), scalars(1 << 16, 4)
    source = random.Random(5)
    witness = FrVec.from_ints(source.choice([0, 0, 0, 1, 1, source.randrange(1 << 64)]) for _ in range(1 << 16))
    few = 16
    pairs = [(multiply(G1, logs[i]), factors[i]) for i in range(few)]

    def by_py_ecc() -> tuple[FQ, FQ, FQ]:
        total = Z1
        for point, factor in pairs:
            total = add(total, multiply(point, factor))
        return total

    assert msm_g1(points.slice(0, few), factors.slice(0, few)).to_affine() == [affine(by_py_ecc())]
    for log_n in (10, 12, 14, 16):
        n = 1 << log_n
        p, s = points.slice(0, n), factors.slice(0, n)
        assert msm_g1(p, s) == fixed_base_g1(FrVec.from_ints([s.dot(logs.slice(0, n))]))
        peer = ("py_ecc", few, by_py_ecc) if log_n == 10 else None
        for threads in every:
            yield line(f"msm g1 2^{log_n}", n, threads, lambda p=p, s=s, t=threads: msm_g1(p, s, t), peer)
            peer = None
    assert msm_g1(points, witness) == fixed_base_g1(FrVec.from_ints([witness.dot(logs)]))
    for threads in every:
        yield line("msm g1 2^16, witness", 1 << 16, threads, lambda t=threads: msm_g1(points, witness, t))

    n = 1 << 14
    p2, s, logs = fixed_base_g2(logs.slice(0, n)), factors.slice(0, n), logs.slice(0, n)
    assert msm_g2(p2, s) == fixed_base_g2(FrVec.from_ints([s.dot(logs)]))
    for threads in every:
        yield line("msm g2 2^14", n, threads, lambda t=threads: msm_g2(p2, s, t))


def bench_points(every: list[int]) -> Iterator[Line]:
    s = scalars(1 << 16, 6)
    assert fixed_base_g1(s.slice(0, 1)).to_affine() == [affine(multiply(G1, s[0]))]
    peer = ("py_ecc", 4, lambda: [multiply(G1, s[i]) for i in range(4)])
    for threads in every:
        yield line("fixed base g1 2^16", 1 << 16, threads, lambda t=threads: fixed_base_g1(s, t), peer)
        peer = None
    n = 1 << 14
    few = s.slice(0, n)
    for threads in every:
        yield line("fixed base g2 2^14", n, threads, lambda t=threads: fixed_base_g2(few, t))
    points = fixed_base_g2(s.slice(0, 1 << 10))
    raw = bytes(points.raw())
    assert G2Vec.from_raw(raw) == points
    yield line("g2 decode and subgroup check", 1 << 10, 1, lambda: G2Vec.from_raw(raw, threads=1))


def bench_pairing() -> Iterator[Line]:
    g1 = G1Vec.concat([fixed_base_g1(FrVec.from_ints([6, 5, 4])), -fixed_base_g1(FrVec.from_ints([6 + 10 + 12]))])
    g2 = fixed_base_g2(FrVec.from_ints([1, 2, 3, 1]))
    assert pairing_check(g1, g2)
    assert not pairing_check(g1, G2Vec.concat([g2.slice(1, 4), g2.slice(0, 1)]))
    for n in (1, 2, 4):
        p, q = g1.slice(0, n), g2.slice(0, n)
        peer = ("py_ecc", 1, lambda: pairing(G2, G1)) if n == 1 else None
        yield line(f"pairing_check, {n} pairs", n, 1, lambda p=p, q=q: pairing_check(p, q, 1), peer, repeat=20)


def table(quick: bool) -> Iterator[Line]:
    every = sorted({1, thread_count(0)})
    yield from bench_field()
    yield from bench_ntt(every, quick)
    yield from bench_msm(every)
    yield from bench_points(every)
    yield from bench_pairing()


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the kernels over BN254.")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of lines")
    parser.add_argument("--quick", action="store_true", help="without galois, which takes minutes to warm up")
    args = parser.parse_args()
    if args.json:
        print(json.dumps([asdict(found) for found in table(args.quick)], indent=1))
        return
    print(described())
    for found in table(args.quick):
        beside = f"{found.peer} {found.peer_s * 1e3:.1f} ms, {found.ratio:.0f}x" if found.peer else ""
        low, high = found.spread_s
        print(
            f"{found.name:30} threads {found.threads}  {found.ours_s * 1e3:10.3f} ms "
            f"({low * 1e3:.3f} to {high * 1e3:.3f})  {beside}",
            flush=True,
        )


if __name__ == "__main__":
    main()
