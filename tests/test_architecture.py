"""The house rules that a reader of the code relies on: who imports whom, and what a command costs before it starts."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ner"
MODULES = sorted(PACKAGE.rglob("*.py"))
COMMANDS = ("prepare", "train", "tune", "evaluate", "calibrate", "export", "serve", "predict", "report")

ENTRY = tuple(f"ner.{name}" for name in (*COMMANDS, "command", "sweep"))
"""What begins a command: nothing that a command is made of may need it."""
FORBIDDEN = {
    "corpus": ("ner.model", "ner.training", "ner.analysis", "hydra"),
    "model": ("ner.training", "ner.analysis", "hydra", "omegaconf", "datasets"),
    "training": ("ner.analysis", "ner.command", "hydra"),
}


@cache
def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def modules_after(*names: str) -> set[str]:
    """All modules that are there once these have been imported, in a Python of its own."""
    code = f"import {', '.join(names)}, sys; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


@pytest.mark.parametrize("layer", sorted(FORBIDDEN))
def test_nothing_flows_back(layer):
    for path in (PACKAGE / layer).rglob("*.py"):
        wrong = {name for name in imported(path) for no in FORBIDDEN[layer] if name == no or name.startswith(f"{no}.")}
        assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}"


NEVER = {
    "corpus": ("ner.model", "ner.training", "ner.analysis", "hydra", *ENTRY),
    "model": ("ner.training", "ner.analysis", "hydra", *ENTRY),
    "training": ("ner.analysis", *ENTRY),
    "analysis": ("ner.model", *ENTRY),
}
"""As `FORBIDDEN`, but by no detour either. Training takes Hydra's `instantiate`, from `ner.components`."""


@cache
def needed(name: str) -> frozenset[str]:
    """The modules that one of ours imports, and those that our modules among them import, in functions too."""
    seen, left = {"ner"}, {name}  # whose door to the recognizer opens when it is asked for
    while left:
        module = left.pop()
        seen.add(module)
        path = ROOT.joinpath(*module.split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                left |= imported(file) - seen
    return frozenset(seen - {"ner", name})


@pytest.mark.parametrize("layer", sorted(NEVER))
def test_nothing_flows_back_by_a_detour(layer):
    for path in (PACKAGE / layer).glob("*.py"):
        names = needed(f"ner.{layer}.{path.stem}")
        wrong = {name for name in names for no in NEVER[layer] if name == no or name.startswith(f"{no}.")}
        assert not wrong, f"{path.relative_to(ROOT)} needs {sorted(wrong)}"


def test_the_loop_touches_no_file_and_the_model_no_string():
    assert not imported(PACKAGE / "training" / "loop.py") & {"pathlib", "os", "json", "io", "torch.utils.tensorboard"}
    for name in ("crf", "encoder", "interaction", "recurrent"):
        assert "ner.corpus.vocabulary" not in imported(PACKAGE / "model" / f"{name}.py")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_does_not_wait_for_slow_imports(command):
    assert not {"torch", "datasets", "stanza", "pyarrow", "pandas"} & modules_after(f"ner.{command}")


def test_the_analyses_need_neither_torch_nor_the_tagger():
    names = [f"ner.analysis.{path.stem}" for path in (PACKAGE / "analysis").glob("*.py") if path.stem != "__init__"]
    assert "ner.analysis.breakdown" in names
    assert not {"torch", "datasets", "ner.model.tagger", "ner.training.decoding"} & modules_after(*names)


def test_what_writes_documents_needs_no_model():
    names = [f"ner.{name}.{path.stem}" for name in ("formats", "web") for path in (PACKAGE / name).glob("[!_]*.py")]
    assert not {"torch", "datasets", "hydra", "ner.model.tagger"} & modules_after(*names)


def test_every_module_says_what_it_is_for():
    for path in MODULES:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path.relative_to(ROOT)}: no docstring"


def test_every_test_module_mirrors_a_module():
    for path in (ROOT / "tests").glob("*/**/test_*.py"):
        module = PACKAGE / path.parent.relative_to(ROOT / "tests") / path.name.removeprefix("test_")
        assert module.is_file(), f"{path.relative_to(ROOT)} tests no module of its name"


def test_a_wheel_carries_every_package():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(settings["tool"]["setuptools"]["packages"])
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert found <= listed
