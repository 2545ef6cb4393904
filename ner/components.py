"""The components that `_target_` names in a configuration, instantiated where they are ours."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from ner.options import check_component
from ner.resources import conf_directory


def menu_choices(choices: Mapping[str, Any]) -> dict[str, str]:
    """The option that was chosen in each group of the menu, `{"model/interaction": "mlp"}`.

    Args:
        choices: as Hydra keeps them, in `hydra.runtime.choices`.
    """
    return {
        group: str(option) for group, option in choices.items() if option is not None and not group.startswith("hydra/")
    }


def component(config: Mapping[str, Any], allowed: str) -> Any:
    """Instantiate a stored configuration, once `check_components` has nothing against it.

    Raises:
        ValueError: where a component refuses its options.
    """
    check_components(config, allowed)
    try:
        return instantiate(config)
    except InstantiationException as error:
        reason = error.__cause__
        if isinstance(reason, ValueError):
            raise reason from None
        raise ValueError(f"{config['_target_']} cannot be built with its options ({reason or error})") from error


def component_from_menu(group: str, name: str, options: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """Instantiate an option of a group with its default values, but for those given.

    Raises:
        ValueError: for an unknown name, listing the right ones.
    """
    files = {path.stem: path for path in (conf_directory() / group).glob("*.yaml")}
    if name not in files:
        raise ValueError(f"unknown {group} {name!r}: choose one of {', '.join(sorted(files))}")
    return instantiate(OmegaConf.load(files[name]), **options)


def provider_of(config: DictConfig | None) -> Any:
    """The provider of trees that `dependencies` chooses; None where it chooses none.

    Raises:
        ValueError: for options that it cannot have.
    """
    if config is None:
        return None
    check_component("dependencies", OmegaConf.to_container(config, resolve=True))
    return instantiate(config, _convert_="all")


def check_components(config: object, allowed: str) -> None:
    """Refuse to instantiate anything but the components of one of our own packages.

    A configuration that comes with a run may be a stranger's, and Hydra's `instantiate` calls whatever `_target_`
    names.

    Args:
        config: plain dictionaries and lists, without interpolations.
        allowed: a package or module such as `ner.model`; components are the classes and functions that its
            modules define, named by their module or by the package that offers them.

    Raises:
        ValueError: naming the first target that is something else, and for an interpolation, which could change after
            this check.
    """
    for value in _values(config):
        if isinstance(value, str) and "${" in value:
            raise ValueError(f"the stored configuration holds the interpolation {value!r}, which is not allowed")
    for target in _targets(config):
        module_name, _, name = target.rpartition(".") if isinstance(target, str) else ("", "", "")
        if module_name == allowed or module_name.startswith(f"{allowed}."):
            try:
                component = getattr(importlib.import_module(module_name), name)
            except (ImportError, AttributeError):
                component = None
            if callable(component) and f"{component.__module__}.".startswith(f"{module_name}."):
                continue
        raise ValueError(f"the stored configuration names {target!r}, which is no component of {allowed}: not loaded")


def _values(config: object) -> Iterator[object]:
    if isinstance(config, Mapping):
        for key, value in config.items():
            yield key
            yield from _values(value)
    elif isinstance(config, list | tuple):
        for value in config:
            yield from _values(value)
    else:
        yield config


def _targets(config: object) -> Iterator[object]:
    if isinstance(config, Mapping):
        if "_target_" in config:
            yield config["_target_"]
        for value in config.values():
            yield from _targets(value)
    elif isinstance(config, list | tuple):
        for value in config:
            yield from _targets(value)
