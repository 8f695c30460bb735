"""Typed settings: every section of `params.yaml` becomes one frozen model, checked when read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

Model = TypeVar("Model")


class Settings(BaseModel):
    """The base of all settings: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SettingsError(ValueError):
    """A section of a settings file is missing or does not fit its model."""


def load_params(path: Path | str = "params.yaml") -> dict[str, Any]:
    """Reads a settings file.

    Args:
        path: a YAML file whose top level is a mapping of sections.

    Returns:
        The sections, unchecked.

    Raises:
        SettingsError: the file is missing, is not YAML, or is not a mapping.
    """
    path = Path(path)
    try:
        params = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise SettingsError(
            f"{path}: no such file; run from the project's root, where params.yaml lies"
        ) from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(params, dict):
        raise SettingsError(f"{path}: expected a mapping of sections, got {type(params).__name__}")
    return params


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
            known = ", ".join(map(str, value)) if isinstance(value, dict) else "nothing"
            raise SettingsError(f"params.yaml has no section {name!r}: {parent} has {known}")
        value = value[key]
    try:
        return TypeAdapter(model).validate_python(value)
    except ValidationError as error:
        problems = [
            f"  {'.'.join([name, *map(str, item['loc'])])}: {item['msg']}, got {item['input']!r}"
            for item in error.errors()
        ]
        raise SettingsError("params.yaml does not fit:\n" + "\n".join(problems)) from None
