"""Skips what moto imports needlessly: two of the three seconds that it takes to start.

Imported before `moto.stepfunctions`, whose tasks for AWS Batch need one enumeration of
`moto.batch.utils`. The package around it imports moto's EC2, which reads every instance type and
zone of AWS. No state of ours is a Batch job: the package is entered, and its `__init__` not run.
"""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec

BATCH = "moto.batch"


def _enter(package: str) -> None:
    """Make a package's modules importable, without the package's own imports."""
    root = find_spec(package.partition(".")[0])
    if package in sys.modules or root is None or root.submodule_search_locations is None:
        return
    spec = ModuleSpec(package, loader=None, is_package=True)
    inner = "/".join(package.split(".")[1:])
    spec.submodule_search_locations = [
        f"{place}/{inner}" for place in root.submodule_search_locations
    ]
    sys.modules[package] = module_from_spec(spec)


_enter(BATCH)
