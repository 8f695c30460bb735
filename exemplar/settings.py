"""Typed settings: every section of `params.yaml` becomes one frozen model, checked when read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

LOOKED_AT = 2000  # names at most of which one that is like another is looked for
Model = TypeVar("Model")
Keys = tuple[str, ...]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
NAME_RULE = "1 to 64 letters a-z, A-Z, digits, _ and -, the first a letter or a digit"
NAMED: tuple[Keys, ...] = (
    ("run", "domains"), ("run", "layouts"), ("run", "sampled"), ("run", "sources"),
    ("run", "conditions"), ("domains",), ("sources",), ("sources", "*", "targets"),
    ("analogy_gallery", "pairs"), ("analogy_flow", "sets"), ("analogy_keypoints", "sets"),
)  # fmt: skip
"""Lists whose entries, and mappings whose keys, are names; `*` stands for every key."""
DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]", re.IGNORECASE)  # no files on Windows


class Settings(BaseModel):
    """The base of all settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SettingsError(ValueError):
    """A section of a settings file is missing or does not fit its model."""


class Params(dict[str, Any]):
    """The sections of a settings file, and on which line each key and each entry stands."""

    lines: dict[Keys, int]


def load_params(path: Path | str = "params.yaml") -> Params:
    """Reads a settings file.

    What names domains, sources, pairs and sets becomes part of commands, of files' names and of
    pages: it is checked here, where every stage and every command begins.

    Args:
        path: a YAML file whose top level is a mapping of sections.

    Returns:
        The sections, unchecked but for their names.

    Raises:
        SettingsError: the file is missing, is not YAML, has a key twice, is not a mapping, or has
            a name that breaks the rule. The message has the lines; keys and names that are wrong
            are all told.
    """
    path = Path(path)
    text = _text(path)
    loader = yaml.SafeLoader(text)
    lines: dict[Keys, int] = {}
    try:
        root = loader.get_single_node()
        problems = [] if root is None else list(_noted(root, lines))
        read = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        raise SettingsError(_not_yaml(path, text, error)) from None
    except (ValueError, TypeError, RecursionError) as error:  # such as the date 2018-02-30
        raise SettingsError(f"{path}: not valid YAML: {error}") from None
    finally:
        loader.dispose()
    if root is None or not isinstance(read, dict):
        got = "an empty file" if root is None else type(read).__name__
        raise SettingsError(f"{path}: expected a mapping of sections, got {got}")
    params = Params(read)
    params.lines = lines
    problems += _misnamed(params)
    if problems:
        raise SettingsError("\n".join([f"{path} does not fit:", *problems]))
    return params


def _text(path: Path) -> str:
    """A file's text without its byte order mark.

    Raises:
        SettingsError: it cannot be read, or is no text.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(
            f"{path}: no such file; run from the project's root, where params.yaml lies"
        ) from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path}:{line}: not UTF-8; save the file as UTF-8") from None
    if odd := yaml.SafeLoader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise SettingsError(f"{path}:{line}: the character {odd[0]!r} is not allowed; remove it")
    return text


def _not_yaml(path: Path, text: str, error: yaml.MarkedYAMLError) -> str:
    """What is wrong, where, and the line itself."""
    said = "; ".join(part for part in (error.context, error.problem) if part)
    mark, lines = error.problem_mark or error.context_mark, [*text.splitlines(), ""]
    if "quoted scalar" in said or "flow" in said:  # it is the beginning that has no end
        mark = error.context_mark or mark
    if mark is None:
        return f"{path}: not valid YAML: {said}"
    line = lines[min(mark.line, len(lines) - 1)]
    if "\t" in line[: len(line) - len(line.lstrip())]:
        said += "; indent with spaces, not with tabs"
    elif "block" in said or "mapping values" in said:
        said += "; indent the line as its neighbours are, and quote a text that has a colon"
    shown = f"  {line}\n  {' ' * mark.column}^".expandtabs(1)
    return f"{path}:{mark.line + 1}:{mark.column + 1}: not valid YAML: {said}\n{shown}"


def _noted(node: yaml.Node, lines: dict[Keys, int], above: Keys = ()) -> Iterator[str]:
    """Notes where everything below a node stands; yields the keys that come twice."""
    children: list[tuple[str, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        children = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = [(str(place), value, value) for place, value in enumerate(node.value)]
    seen: dict[str, int] = {}
    for name, at, child in children:
        line, keys = at.start_mark.line + 1, (*above, name)
        if name in seen:
            yield f"  line {line}: {'.'.join(keys)} stands in line {seen[name]}, too; keep one"
        seen[name] = lines[keys] = line
        # What an alias repeats stands further up; it may even be what it stands in.
        if child.start_mark.index > node.start_mark.index:
            yield from _noted(child, lines, keys)


def _misnamed(params: Params) -> Iterator[str]:
    """The names that break the rule, and those that differ in case only."""
    for above, found in (each for pattern in NAMED for each in _matching(params, pattern)):
        listed = isinstance(found, list)
        spelt: dict[str, str] = {}
        for place, name in enumerate(found) if listed or isinstance(found, dict) else ():
            said = _wrong_name(name)
            other = spelt.setdefault(str(name).lower(), name)
            if not said and other != name:
                said = f"differs from {other!r} in case only; rename one"
            if said:
                where = line_of(params, (*above, place if listed else name))
                yield f"  {where}{'.'.join(above)}: {name!r} {said}"


def _wrong_name(name: object) -> str:
    """Why something is no name; empty if it is one."""
    if isinstance(name, str):
        if DEVICES.fullmatch(name):
            return "is a device on Windows, and no file there can be called so"
        return "" if NAME.fullmatch(name) else f"is no name; expected {NAME_RULE}"
    kind = "true or false" if isinstance(name, bool) else f"{type(name).__name__}, not text"
    return f"is read by YAML as {kind}; expected a name: put it in quotes"


def _matching(params: Any, pattern: Keys, above: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """What stands where a pattern of keys leads, with the keys."""
    if not pattern:
        yield above, params
    elif isinstance(params, dict):
        for key in params if pattern[0] == "*" else [pattern[0]]:
            if key in params:
                yield from _matching(params[key], pattern[1:], (*above, str(key)))


def line_of(params: dict[str, Any], keys: Iterable[object]) -> str:
    """`line 12: ` of a key; of one that stands nowhere, the line of what it belongs to.

    Empty where `params` was not read from a file.
    """
    lines, found, path = getattr(params, "lines", {}), 0, ()
    for key in map(str, keys):  # pydantic also names the kinds of a union, which are no keys
        if (*path, key) in lines:
            path = (*path, key)
            found = lines[path]
    return f"line {found}: " if found else ""


def near(name: object, known: Iterable[str], most: int = 1) -> str:
    """`; did you mean 'domains'?`, or nothing where no known name is like the one given."""
    spelt = {str(each).casefold(): str(each) for each in known}
    given = str(name).casefold()
    if len(spelt) > LOOKED_AT:  # comparing takes a tenth of a millisecond
        spelt = {each: spelt[each] for each in sorted(spelt) if each[:3] == given[:3]}
    alike = difflib.get_close_matches(given, [*spelt][:LOOKED_AT], most)
    return f"; did you mean {' or '.join(repr(spelt[each]) for each in alike)}?" if alike else ""


def section(params: dict[str, Any], name: str, model: type[Model] | Any) -> Model:
    """Checks one section of the settings.

    Args:
        params: what `load_params` returned.
        name: the section, with dots for nesting (`domains.rendered`).
        model: a `Settings` class, or any annotation pydantic understands.

    Returns:
        An instance of the model.

    Raises:
        SettingsError: the section is missing or wrong; all its problems are listed together.
    """
    value: Any = params
    for depth, key in enumerate(name.split(".")):
        if not isinstance(value, dict) or key not in value:
            parent = ".".join(name.split(".")[:depth]) or "the file"
            known = list(map(str, value)) if isinstance(value, dict) else []
            raise SettingsError(
                f"params.yaml has no section {name!r}: {parent} has "
                f"{', '.join(known) or 'nothing'}{near(key, known)}"
            )
        value = value[key]
    try:
        return TypeAdapter(model).validate_python(value)
    except ValidationError as error:
        keys = name.split(".")
        problems = []
        for item in error.errors():
            loc = [*keys, *map(str, item["loc"])]
            said = f"{'.'.join(loc)}: {item['msg']}, got {item['input']!r}"
            problems.append(f"  {line_of(params, loc)}{said}{_hint(item, model)}")
        raise SettingsError("params.yaml does not fit:\n" + "\n".join(problems)) from None


def _hint(item: Any, model: Any) -> str:
    """What may be meant: another key, or a value that YAML reads as something else."""
    if item["type"] == "extra_forbidden":
        return near(item["loc"][-1], _fields(model, set()))
    if item["type"] in ("string_type", "path_type") and not isinstance(
        item["input"], dict | list | None
    ):
        return "; put it in quotes"
    if isinstance(item["input"], str) and re.fullmatch(r"[+-]?\d+[eE][+-]?\d+", item["input"]):
        return "; YAML reads it as text: write 1.0e-3 for 1e-3, and whole numbers in full"
    return ""


def _fields(model: Any, seen: set[int]) -> set[str]:
    """The keys that a model or any model in it has."""
    if id(model) in seen:
        return set()
    seen.add(id(model))
    if isinstance(model, type) and issubclass(model, BaseModel):
        fields = model.model_fields
        inner = [_fields(field.annotation, seen) for field in fields.values()]
        return set(fields).union(*inner)
    return set().union(*(_fields(part, seen) for part in get_args(model)))
