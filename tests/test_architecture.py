"""The map of docs/architecture.md, held by reading every import of every module.

A module imports from floors below its own or from its own folder; only the seam touches the native
library; only the command line prints or exits; nobody catches everything.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("zkstate", "circuits", "lightclient")
FLOORS = {
    "zkstate.errors": 0,
    "zkstate.atomic": 1,
    "zkstate.kernels": 1,
    "zkstate.nesting": 1,
    "zkstate.algebra": 2,
    "zkstate.commitment": 3,
    "zkstate.constraint": 4,
    "zkstate.proof": 5,
    "zkstate.state": 6,
    "zkstate.publication": 7,
    "zkstate.registry": 8,
    "circuits": 9,
    "zkstate.solvency": 10,
    "lightclient": 11,
    "zkstate.backup": 12,
    "zkstate.reserves": 12,
    "zkstate.cli": 13,
    "zkstate.__main__": 14,
    "zkstate": 0,
}
COMFORTABLE_LINES = 400


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    tree: ast.Module

    @property
    def package(self) -> str:
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]


@dataclass(frozen=True)
class Import:
    target: str
    relative: bool
    line: int


def parse(path: Path, root: Path = ROOT) -> Module:
    parts = path.relative_to(root).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, ast.parse(path.read_text(encoding="utf-8"), str(path)))


MODULES = [parse(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
NAMES = frozenset(module.name for module in MODULES)


def imports(module: Module) -> Iterator[Import]:
    """Every import of the module, at any depth, as absolute dotted names."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, relative=False, line=node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                anchor = module.package.split(".")
                anchor = anchor[: len(anchor) - node.level + 1]
                base = ".".join([*anchor, base]).rstrip(".")
            for alias in node.names:
                submodule = f"{base}.{alias.name}"
                target = submodule if submodule in NAMES or submodule in FLOORS else base
                yield Import(target, relative=node.level > 0, line=node.lineno)


def floor_name(name: str) -> str | None:
    """The entry of FLOORS that holds the dotted name, None for what is not ours."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        prefix = ".".join(parts[:n])
        if prefix in FLOORS:
            return prefix
    return None


def climbs(module: Module) -> list[str]:
    here = floor_name(module.name)
    assert here is not None
    found = []
    for item in imports(module):
        there = floor_name(item.target)
        if there is None or there == here or item.target == "zkstate._native":
            continue
        if FLOORS[there] >= FLOORS[here] and not (there == "zkstate" and item.target == "zkstate"):
            found.append(f"{module.name}:{item.line} (floor {FLOORS[here]}) imports {item.target} ({FLOORS[there]})")
    return found


def native_uses(module: Module) -> list[str]:
    if floor_name(module.name) == "zkstate.kernels":
        return []
    return [
        f"{module.name}:{item.line} imports {item.target}"
        for item in imports(module)
        if item.target.startswith(("cffi", "_cffi_backend", "ctypes", "zkstate._native"))
    ]


def style_of_import(module: Module) -> list[str]:
    """circuits and lightclient speak to themselves relatively; the core is named in full, always."""
    top = module.name.split(".")[0]
    found = []
    for item in imports(module):
        own = item.target.split(".")[0] == top
        if top != "zkstate" and own and not item.relative:
            found.append(f"{module.name}:{item.line} imports its sibling {item.target} absolutely")
        if top == "zkstate" and item.relative:
            found.append(f"{module.name}:{item.line} imports {item.target} relatively")
    return found


def prints_or_exits(module: Module) -> list[str]:
    """Library modules only: what is run as a script may speak."""
    if floor_name(module.name) in {"zkstate.cli", "zkstate.__main__"} or is_script(module):
        return []
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in {"print", "exit", "quit", "sys.exit", "os._exit", "input", "breakpoint"} or called.startswith(
                ("sys.stdout.", "sys.stderr.")
            ):
                found.append(f"{module.name}:{node.lineno} calls {called}")
        elif isinstance(node, ast.Raise) and node.exc is not None and "SystemExit" in ast.unparse(node.exc):
            found.append(f"{module.name}:{node.lineno} raises SystemExit")
    return found


def is_script(module: Module) -> bool:
    return any(isinstance(node, ast.If) and "__name__ == '__main__'" in ast.unparse(node) for node in module.tree.body)


def catches_everything(module: Module) -> list[str]:
    """Cleaning up and raising again is not catching."""
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler):
            last = node.body[-1]
            if isinstance(last, ast.Raise) and last.exc is None:
                continue
            caught = "" if node.type is None else ast.unparse(node.type)
            names = {name.strip(" ()") for name in caught.split(",")}
            if names & {"", "Exception", "BaseException"}:
                found.append(f"{module.name}:{node.lineno} catches {caught or 'everything'}")
    return found


def takes_a_line_feed(module: Module) -> list[str]:
    """A pattern's `$` stands before a last line feed too, and gives a value a second encoding: \\Z does not."""
    return [
        f"{module.name}:{node.value.lineno} ends in $: {node.value.value}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.keyword) and node.arg == "pattern" and isinstance(node.value, ast.Constant)
        if str(node.value.value).endswith("$")
    ]


RULES = (climbs, native_uses, style_of_import, prints_or_exits, catches_everything, takes_a_line_feed)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule):
    assert MODULES
    assert [line for module in MODULES for line in rule(module)] == []


def test_every_module_stands_on_a_floor_and_says_what_it_is():
    assert [m.name for m in MODULES if m.name != "zkstate" and floor_name(m.name) == "zkstate"] == []
    assert [m.name for m in MODULES if m.tree.body and not ast.get_docstring(m.tree)] == []


def test_every_folder_with_modules_is_a_package():
    folders = {module.path.parent for module in MODULES}
    assert [str(f.relative_to(ROOT)) for f in sorted(folders) if not (f / "__init__.py").exists()] == []


def test_vague_names_are_not_used():
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "data"}
    assert [m.name for m in MODULES if vague & set(m.name.split("."))] == []


def test_no_file_is_so_long_that_it_holds_two_ideas():
    lines = {m.name: len(m.path.read_text("utf-8").splitlines()) for m in MODULES}
    assert {name: n for name, n in lines.items() if n > COMFORTABLE_LINES} == {}


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (climbs, "zkstate.algebra.bn254", "from zkstate.proof.keys import ProvingKey"),
        (climbs, "zkstate.state.codec", "def f():\n    import zkstate.publication.header"),
        (climbs, "circuits.margin", "from lightclient.store import Bundle"),
        (climbs, "zkstate.errors", "from zkstate import kernels"),
        (native_uses, "zkstate.proof.groth16", "from zkstate._native import lib"),
        (native_uses, "lightclient.recover", "import cffi"),
        (style_of_import, "circuits.margin", "from circuits.account import rows"),
        (style_of_import, "zkstate.proof.keys", "from .groth16 import prove"),
        (prints_or_exits, "zkstate.state.ledger", "print('row')"),
        (prints_or_exits, "lightclient.recover", "raise SystemExit(3)"),
        (catches_everything, "zkstate.cli.main", "try:\n    f()\nexcept (OSError, Exception):\n    pass"),
        (catches_everything, "zkstate.cli.main", "try:\n    f()\nexcept:\n    pass"),
        (takes_a_line_feed, "zkstate.solvency.files", "Meta(pattern='^[0-9a-f]{64}$')"),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_each_rule_sees_what_it_forbids(rule, name, source):
    module = Module(name, ROOT / (name.replace(".", "/") + ".py"), ast.parse(source))
    assert len(rule(module)) == 1


def test_the_rules_allow_what_the_map_allows():
    source = "from zkstate.errors import InputError\nfrom zkstate.kernels import FrVec\nimport zkstate\n"
    module = Module("zkstate.commitment.merkle", ROOT / "zkstate/commitment/merkle.py", ast.parse(source))
    assert [line for rule in RULES for line in rule(module)] == []
