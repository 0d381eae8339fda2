"""Reading a topology: by a shipped name or from a file, checked as a whole, every mistake with its place and remedy."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from xcnet.errors import InputError
from xcnet.model import shipped
from xcnet.model.checks_agreements import check_agreed_names, check_agreed_terms
from xcnet.model.checks_names import check_names
from xcnet.model.checks_network import check_network, warnings
from xcnet.model.monitoring import MonitorPolicy
from xcnet.model.problems import Problem, TopologyError, did_you_mean
from xcnet.model.profile import Profile
from xcnet.model.topology import LoadedTopology, Provider, Topology
from xcnet.model.validation import placed, validate
from xcnet.model.yamldoc import YamlDocument, decode, parse

_SUFFIXES = (".yaml", ".yml")


def load_topology(reference: str | os.PathLike[str]) -> LoadedTopology:
    """Read and check a topology.

    :param reference: the name of a shipped topology (``aws-google``), or a path.
    :raises InputError: there is no such file, or it cannot be read.
    :raises TopologyError: it has mistakes; ``problems`` holds all that were found.
    """
    source, raw = _read_topology(os.fspath(reference))
    return parse_topology(decode(raw, source), source, folder=Path(source).parent)


def parse_topology(text: str, source: str = "<text>", *, folder: Path | None = None) -> LoadedTopology:
    """Check a topology that has been read already.

    :param source: its name in errors.
    :param folder: where profiles named by a relative path are looked for; here where None.
    :raises TopologyError: it has mistakes.
    """
    document = parse(text, source)
    topology, problems = validate(Topology, document.data)
    profiles, profile_problems = _profiles(document, topology, folder or Path())
    problems = placed(problems, document) + profile_problems
    if topology is None:
        raise TopologyError(problems)
    problems += placed([*check_names(topology), *check_agreed_names(topology)], document)
    if problems:
        raise TopologyError(problems)
    loaded = LoadedTopology(topology, profiles, source)
    found = [*check_network(loaded), *check_agreed_terms(loaded)]
    if found:
        raise TopologyError(placed(found, document))
    return replace(loaded, warnings=warnings(loaded))


def shipped_topologies() -> dict[str, Traversable]:
    """Name -> file of each shipped topology."""
    return shipped.topologies()


def read_shipped(name: str) -> str:
    """The text of a shipped topology, to start one's own from.

    :raises InputError: there is none of that name.
    """
    known = shipped.topologies()
    if name not in known:
        raise InputError(f"no shipped topology is called '{name}'", remedy=did_you_mean(name, known))
    return known[name].read_text(encoding="utf-8")


def load_profile(name: str) -> Profile:
    """A shipped provider profile.

    :raises InputError: there is none of that name.
    :raises TopologyError: it has mistakes.
    """
    known = shipped.profiles()
    if name not in known:
        raise InputError(f"no shipped profile is called '{name}'", remedy=did_you_mean(name, known))
    profile, _, problems = _parse_profile(known[name].read_bytes(), f"{name}.yaml")
    if profile is None:
        raise TopologyError(problems)
    return profile


def _read_topology(reference: str) -> tuple[str, bytes]:
    known = shipped.topologies()
    path = Path(reference)
    if not reference or "\0" in reference:
        raise InputError("no topology is named", remedy=did_you_mean("", known))
    if reference in known and os.sep not in reference:
        return _source(known[reference], reference), known[reference].read_bytes()
    looks_like_path = os.sep in reference or reference.endswith(_SUFFIXES) or path.exists()
    if not looks_like_path:
        raise InputError(
            f"no shipped topology is called '{reference}'", remedy=did_you_mean(reference, known) + "; or name a file"
        )
    return reference, _read_file(path, f"shipped topologies: {', '.join(known)}")


def _source(item: Traversable, name: str) -> str:
    return str(item) if isinstance(item, Path) else f"{name}.yaml"


def _read_file(path: Path, otherwise: str) -> bytes:
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "not a regular file"
            raise InputError(f"'{path}' is {what}", where=str(path), remedy="name a YAML file")
        return path.read_bytes()
    except FileNotFoundError:
        near = did_you_mean(path.name, [item.name for item in _siblings(path)], "")
        meant = near.split("? ")[0] + "? " if near.startswith("did you mean") else ""
        raise InputError(f"there is no file '{path}'", where=str(path), remedy=meant + otherwise) from None
    except OSError as error:
        raise InputError(
            f"'{path}' cannot be read: {error.strerror}", where=str(path), remedy="check its path and permissions"
        ) from None


def _siblings(path: Path) -> list[Path]:
    try:
        return sorted(item for item in path.parent.iterdir() if item.suffix in _SUFFIXES)
    except OSError:
        return []


def _profiles(
    document: YamlDocument, topology: Topology | None, folder: Path
) -> tuple[dict[str, Profile], list[Problem]]:
    """The profiles of all providers that are written well enough to have one."""
    providers: dict[str, Provider] = dict(topology.providers) if topology else _readable_providers(document.data)
    profiles: dict[str, Profile] = {}
    problems: list[Problem] = []
    for key, provider in providers.items():
        profile, found = _profile(document, key, provider, folder)
        problems += [problem for problem in found if problem not in problems]
        if profile is not None:
            profiles[key] = profile
    return profiles, problems


def _readable_providers(data: Any) -> dict[str, Provider]:
    raw = data.get("providers")
    found = {}
    for key, value in raw.items() if isinstance(raw, dict) else ():
        provider, _ = validate(Provider, value)
        if provider is not None:
            found[key] = provider
    return found


def _profile(
    document: YamlDocument, key: str, provider: Provider, folder: Path
) -> tuple[Profile | None, list[Problem]]:
    reference = provider.profile
    known = shipped.profiles()
    if reference in known:
        raw, name = known[reference].read_bytes(), f"{reference}.yaml"
    elif os.sep in reference or reference.endswith(_SUFFIXES):
        try:
            raw, name = _read_file(folder / reference, f"shipped profiles: {', '.join(known)}"), str(folder / reference)
        except InputError as error:
            problem = Problem(("providers", key, "profile"), error.cause, error.remedy)
            return None, placed([problem], document)
    else:
        problem = Problem(
            ("providers", key, "profile"),
            f"there is no profile '{reference}'",
            did_you_mean(reference, known) + "; or a file: ./my.yaml",
        )
        return None, placed([problem], document)
    profile, data, problems = _parse_profile(raw, name)
    if profile is None or not provider.overrides:
        return profile, problems
    changed, problems = validate(Profile, _merged(data, provider.overrides))
    return changed, placed(problems, document, ("providers", key, "overrides"))


def with_monitor(loaded: LoadedTopology, monitor: MonitorPolicy) -> LoadedTopology:
    """The same with another monitor at every provider, whatever their profiles say."""
    profiles = {
        key: each.model_copy(update={"coordinator": each.coordinator.model_copy(update={"monitor": monitor})})
        for key, each in loaded.profiles.items()
    }
    return replace(loaded, profiles=profiles)


def _parse_profile(raw: bytes, name: str) -> tuple[Profile | None, Any, list[Problem]]:
    try:
        document = parse(decode(raw, name), name)
    except TopologyError as error:
        return None, None, list(error.problems)
    profile, problems = validate(Profile, document.data)
    return profile, document.data, placed(problems, document)


def _merged(base: Any, changes: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    return {**base, **{key: _merged(base.get(key), value) for key, value in changes.items()}}


__all__ = ["load_profile", "load_topology", "parse_topology", "read_shipped", "shipped_topologies", "with_monitor"]
