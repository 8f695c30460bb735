"""Imports go one way, names say what they mean, and `dvc.yaml` lists the code a stage runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("exemplar", "stages", "tasks", "flows", "benchmarks")
BELOW_METHODS = (
    "conditions", "data", "features", "labels", "matching", "metrics", "patches", "settings",
    "store", "training",
)  # fmt: skip


@cache
def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name; a package is its `__init__.py`."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def named_by(node: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """The dotted names one node of a module's tree asks for."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            above = module.split(".")[: None if is_package else -1]
            above = above[: len(above) - (node.level - 1)]
            base = ".".join([*above, *([node.module] if node.module else [])])
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        name = node.args[0]
        if isinstance(name, ast.Constant):
            yield str(name.value)
        elif isinstance(name, ast.JoinedStr) and isinstance(name.values[0], ast.Constant):
            start = str(name.values[0].value)
            yield from (other for other in modules() if start and other.startswith(start))


@cache
def imports(module: str) -> frozenset[str]:
    """Everything a module imports anywhere in it, also within functions, by dotted name."""
    path = modules()[module]
    tree = ast.parse(path.read_text(), str(path))
    is_package = path.name == "__init__.py"
    return frozenset(
        name for node in run_of(tree) for name in named_by(node, module, is_package) if name
    )


def run_of(tree: ast.AST) -> Iterator[ast.AST]:
    """A tree's nodes but for what only type checkers read."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def forbidden(module: str) -> tuple[str, ...]:
    """The packages a module must not import."""
    room = module.split(".")[0]
    if room == "exemplar":
        names = ("prefect", "dvc", "stages", "tasks", "flows", "benchmarks")
        parts = module.split(".")
        if len(parts) > 1 and parts[1] in BELOW_METHODS:
            names += ("exemplar.methods",)
        if len(parts) > 2 and parts[1] == "methods":
            others = {".".join(name.split(".")[:3]) for name in modules()}
            mine = ".".join(parts[:3])
            names += tuple(
                sorted(o for o in others if o.startswith("exemplar.methods.") and o != mine)
            )
        return names
    return {
        "stages": ("prefect", "dvc", "tasks", "flows", "benchmarks"),
        "tasks": ("flows", "stages", "benchmarks"),
        "flows": ("benchmarks",),
        "benchmarks": ("prefect", "dvc", "stages", "tasks", "flows"),
    }[room]


def test_imports_go_one_way():
    wrong = [
        f"{module} imports {name}"
        for module in modules()
        for name in sorted(imports(module))
        if within(name, *forbidden(module))
    ]
    assert not wrong, "\n".join(
        ["flows → tasks → exemplar and stages → exemplar; no method knows another:", *wrong]
    )


def test_names_say_what_they_mean():
    vague = {"util", "utils", "helper", "helpers", "common", "manager", "misc"}
    wrong = [str(path.relative_to(ROOT)) for name, path in modules().items()
             if vague & set(name.split("."))]  # fmt: skip
    assert not wrong, f"rename these for what they are about: {wrong}"


def test_modules_stay_short():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules().values()
        if (lines := len(path.read_text().splitlines())) > 300
    }
    assert not long, f"at most 300 lines a module, so split: {long}"


def test_nothing_is_unpickled():
    wrong = []
    for module, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            called = ast.unparse(node.func)
            if called == "torch.load" and given.get("weights_only") != "True":
                wrong.append(f"{module}:{node.lineno}: torch.load without weights_only=True")
            if re.fullmatch(r"(cloud)?pickle\.(load|loads|Unpickler)|joblib\.load", called):
                wrong.append(f"{module}:{node.lineno}: {called}")
            if given.get("allow_pickle", "False") != "False":
                wrong.append(f"{module}:{node.lineno}: {called} with allow_pickle")
    assert not wrong, "\n".join(wrong)


def at_start(module: str) -> set[str]:
    """What a module imports before anything is called, by way of the project's modules."""
    found, waiting = set(), [module]
    while waiting:
        parts = waiting.pop().split(".")
        for above in (".".join(parts[:end]) for end in range(1, len(parts) + 1)):
            if above in found or above not in modules():
                continue
            found.add(above)
            path = modules()[above]
            tree = ast.parse(path.read_text())
            tree.body = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
            named = [each for node in run_of(tree)
                     for each in named_by(node, above, path.name == "__init__.py")]  # fmt: skip
            waiting += named
            found.update(name for name in named if not within(name, *PACKAGES))
    return found


@pytest.mark.parametrize("stage", ["prepare", "glann_prepare"])
def test_stages_without_networks_do_not_wait_for_torch(stage: str):
    """It takes longer to import than all else, and so do the processes that these stages start."""
    assert "torch" in at_start("stages.index")
    assert not [name for name in at_start(f"stages.{stage}") if within(name, "torch")]


def read_beside(path: Path) -> set[str]:
    """Templates and the like that lie beside a module and are named in it."""
    text = path.read_text()
    others = (other for other in path.parent.iterdir() if other.suffix not in {".py", ""})
    return {str(other.relative_to(ROOT)) for other in others if f'"{other.name}"' in text}


def closure(module: str) -> set[str]:
    """The project's files that a module runs or reads: its imports, and files they name beside."""
    files, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        parts = name.split(".")
        for above in (".".join(parts[:end]) for end in range(1, len(parts) + 1)):
            path = modules().get(above)
            if path and (relative := str(path.relative_to(ROOT))) not in files:
                files.add(relative)
                files.update(read_beside(path))
                waiting.extend(imports(above))
    return files


def stages_of_dvc() -> list[tuple[str, str, list[str]]]:
    """Each stage's name, module and listed code, of `dvc.yaml`."""
    path = ROOT / "dvc.yaml"
    if not path.exists():
        return []
    found = []
    for name, stage in yaml.safe_load(path.read_text())["stages"].items():
        stage = stage.get("do", stage)
        command = re.search(r"-m (stages\.\w+)", str(stage["cmd"]))
        assert command, f"dvc.yaml: {name}: expected a command `python -m stages.…`, got {stage}"
        deps = [next(iter(d)) if isinstance(d, dict) else d for d in stage.get("deps", [])]
        code = [dep.rstrip("/") for dep in deps if dep.split("/")[0] in PACKAGES]
        found.append((name, command[1], code))
    return found


@pytest.mark.parametrize(
    ("name", "module", "listed"), [pytest.param(*stage, id=stage[0]) for stage in stages_of_dvc()]
)
def test_stages_depend_on_the_code_they_run(name: str, module: str, listed: list[str]):
    needed = closure(module)

    def covers(dep: str, file: str) -> bool:
        return file == dep or file.startswith(f"{dep}/")

    missing = sorted(file for file in needed if not any(covers(dep, file) for dep in listed))
    unneeded = sorted(dep for dep in listed if not any(covers(dep, file) for file in needed))
    said = []
    if missing:
        said += [f"dvc.yaml: add to the deps of {name}:", *(f"      - {path}" for path in missing)]
    if unneeded:
        said += [f"dvc.yaml: {name} does not run:", *(f"      - {path}" for path in unneeded)]
    if said:
        pytest.fail("\n".join(said), pytrace=False)


def test_closure_follows_functions_packages_and_relative_imports(tmp_path, monkeypatch):
    written = {
        "exemplar/__init__.py": "if TYPE_CHECKING:\n    from exemplar.lonely import x\n",
        "exemplar/a.py": "def f():\n    from exemplar.room import b\n",
        "exemplar/room/__init__.py": "",
        "exemplar/room/b.py": 'from . import c\nimport numpy\nSTYLE = "style.css"\n',
        "exemplar/room/style.css": "",
        "exemplar/room/c.py": "from ..kinds import pick\n",
        "exemplar/kinds/__init__.py": "def pick(k):\n    import_module(f'exemplar.kinds.{k}')\n",
        "exemplar/kinds/one.py": "",
        "exemplar/lonely.py": "",
        "exemplar/unread.css": "",
    }
    for name, text in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    modules.cache_clear()
    imports.cache_clear()
    try:
        assert closure("exemplar.a") == set(written) - {"exemplar/lonely.py", "exemplar/unread.css"}
    finally:
        modules.cache_clear()
        imports.cache_clear()
