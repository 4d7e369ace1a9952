"""Writes what native/build.py compiles: a wrapper of every kernel source per CPU path, and the dispatch between paths.

Everything comes from native/include/zkn.h and the list of sources; nothing is kept by hand, and a file is touched only
when its text changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

NATIVE = Path(__file__).resolve().parent
# In the order of zkn_cpu in zkn.h, worst first.
PATHS = ("portable", "adx", "ifma")
NEEDS_X86 = ("adx", "ifma")
# The sources, and C tests, that know their curve by the names of its constants, compiled for both; those that begin
# with "bls_" are compiled for BLS12-381 alone.
FOR_BOTH_CURVES = frozenset(
    {
        *("field", "fr_vec", "ntt", "ntt_order", "quotient", "tower", "tower_cyclotomic", "tower_line", "tower_lanes"),
        *("group", "points", "pairs", "lists", "fixed", "multiples", "group_ntt", "msm", "quads", "lanes"),
        *("miller", "miller_few", "final_exponentiation", "pairing"),
        *("pairs_quads", "multiples_lanes"),
    }
)

_FUNCTION = re.compile(r"^(?P<result>\w+) (?P<name>zkn_(?!cpu_)\w+)\((?P<parameters>[^;]*)\);", re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BOTH = re.compile(r"/\* ==== for both curves.*?==== \*/(.*?)/\* ==== for both curves: end ==== \*/", re.DOTALL)
_OF_A_CURVE = re.compile(
    r"\b(?:zkn|ZKN)_(?=(?:fp|fr|fp2|g1|g2|line|gt|pairing|fixed)\b|(?:fr|g1|g2|pairing|fixed|prepared)_)"
)
_LAST_WORD = re.compile(r"(\w+)(?:\[\w*\])?$")


@dataclass(frozen=True)
class Function:
    """One function of zkn.h that every path defines."""

    result: str
    name: str
    parameters: str

    def signature(self, name: str) -> str:
        return f"{self.result} {name}({self.parameters})"

    @property
    def arguments(self) -> str:
        if self.parameters == "void":
            return ""
        words = (_LAST_WORD.search(parameter) for parameter in self.parameters.split(","))
        return ", ".join(word[1] for word in words if word)


def paths_for(machine: str) -> tuple[str, ...]:
    """The paths that a machine (as platform.machine names it) can be compiled for."""
    return PATHS if machine.lower() in {"x86_64", "amd64"} else PATHS[:1]


def declared() -> str:
    """zkn.h, and what it says exists once more for BLS12-381."""
    return (NATIVE / "include" / "zkn.h").read_text(encoding="ascii") + bls_declarations()


def bls_declarations() -> str:
    both = _BOTH.findall((NATIVE / "include" / "zkn.h").read_text(encoding="ascii"))
    return _OF_A_CURVE.sub("zkn_bls_", _COMMENT.sub("", "".join(both)))


def functions() -> list[Function]:
    return [
        Function(match["result"], match["name"], " ".join(match["parameters"].split()))
        for match in _FUNCTION.finditer(_COMMENT.sub("", declared()))
    ]


def kernel_sources() -> list[Path]:
    return sorted((NATIVE / "src").glob("*.c"))


def write_wrappers(folder: Path, path: str) -> list[Path]:
    """One file per kernel source and curve, which compiles it for `path`; returns them."""
    write_changed(folder / "zkn_bls.h", f"/* Written by native/paths.py from zkn.h. */\n{bls_declarations()}")
    write_changed(folder / "exports.h", exports())
    write_changed(folder / "exports_bls.h", bls_exports())
    wrappers = []
    for source in kernel_sources():
        for curve in curves_of(source.stem):
            wrapper = folder / f"{source.stem}_{curve}{path}.c"
            lines = [f"#define ZKN_PATH_{path.upper()} 1", '#include "path.h"', f'#include "{source.name}"']
            if curve:
                lines.insert(0, "#define ZKN_CURVE_BLS12_381 1")
            if path in NEEDS_X86:
                lines += ["#if defined(__clang__)", "#pragma clang attribute pop", "#endif"]
            write_changed(wrapper, "\n".join(lines) + "\n")
            wrappers.append(wrapper)
    return wrappers


def curves_of(stem: str) -> list[str]:
    """What is written before the path in the names of the wrappers of a source: nothing, or that of its curves."""
    if stem.startswith("bls_"):
        return ["bls12_381_"]
    return ["", "bls12_381_"] if stem in FOR_BOTH_CURVES else [""]


def write_dispatch(folder: Path) -> list[Path]:
    """The table of every path and the functions of zkn.h that call through the chosen one."""
    write_changed(folder / "dispatch.h", dispatch_header())
    write_changed(folder / "dispatch.c", dispatch_source())
    return [folder / "dispatch.c", NATIVE / "dispatch" / "cpu.c"]


def exports() -> str:
    """The functions of a path, under names of their own."""
    lines = [f"#define {f.name} ZKN_PATH_NAME({f.name})" for f in functions()]
    return "\n".join(["/* Written by native/paths.py from zkn.h. */", *lines, ""])


def bls_exports() -> str:
    """The names of BN254, which those of BLS12-381 take where a source is compiled for that."""
    both = [f.name for f in functions() if f.name.startswith("zkn_bls_")]
    own = {f.name for f in functions()}
    lines = []
    for name in both:
        plain = name.replace("zkn_bls_", "zkn_")
        if plain in own:
            lines += [f"#undef {plain}", f"#define {plain} ZKN_PATH_NAME({name})"]
    lines += [f"#define zkn_{t} zkn_bls_{t}" for t in ("fp", "fr", "fp2", "g1_aff", "g2_aff", "line", "gt")]
    lines += ["#define ZKN_PAIRING_LINES ZKN_BLS_PAIRING_LINES"]
    return "\n".join(["/* Written by native/paths.py from zkn.h. */", *lines, ""])


def dispatch_header() -> str:
    members = "".join(f"    {f.result} (*{f.name})({f.parameters});\n" for f in functions())
    return f"""/* Written by native/paths.py from zkn.h. */
#ifndef ZKN_DISPATCH_H
#define ZKN_DISPATCH_H

#include "zkn.h"
#include "zkn_bls.h"

typedef struct {{
{members}}} zkn_table;

/* One per path, NULL where this build has none. */
extern const zkn_table *const zkn_tables[ZKN_CPU_PATHS];
extern const zkn_table *zkn_table_used;

#endif
"""


def dispatch_source() -> str:
    parts = ["/* Written by native/paths.py from zkn.h. */", '#include "dispatch.h"', ""]
    for path in PATHS:
        parts += ["#if defined(__x86_64__)"] if path in NEEDS_X86 else []
        parts += [f"{f.signature(f'{f.name}_{path}')};" for f in functions()]
        entries = ", ".join(f"{f.name}_{path}" for f in functions())
        parts += [f"static const zkn_table {path} = {{{entries}}};"]
        parts += ["#endif"] if path in NEEDS_X86 else []
    x86 = ", ".join(f"&{path}" for path in PATHS)
    nulls = ", ".join("NULL" if path in NEEDS_X86 else f"&{path}" for path in PATHS)
    parts += [
        "#if defined(__x86_64__)",
        f"const zkn_table *const zkn_tables[ZKN_CPU_PATHS] = {{{x86}}};",
        "#else",
        f"const zkn_table *const zkn_tables[ZKN_CPU_PATHS] = {{{nulls}}};",
        "#endif",
        f"const zkn_table *zkn_table_used = &{PATHS[0]};",
        "",
    ]
    for f in functions():
        give = "" if f.result == "void" else "return "
        parts += [f.signature(f.name), "{", f"    {give}zkn_table_used->{f.name}({f.arguments});", "}"]
    return "\n".join([*parts, ""])


def write_changed(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="ascii") != text:
        path.write_text(text, encoding="ascii")
