"""What a function's zip contains, built with pip and without Docker.

A bundle is the function's handler, the rooms of `workflow/` that it needs, the libraries that these
import in their pinned versions (`constraints.txt`), and its certificates. What goes to AWS
is the very file that `hashes.txt` names: pip refuses another one. boto3 comes with the runtime.
Libraries are kept under `build/`, by their pins: the second build needs no network.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from infra.compute.bytecode import compile_all, interpreter
from infra.compute.pins import HASHES, PINS, hash_line, read_hashes, read_pins, requirements
from infra.stage.stage import ROOT

Library = Literal["core", "redis", "mysql"]

LIBRARIES: dict[Library, tuple[str, ...]] = {
    "core": (
        "annotated-types",
        "aws-lambda-powertools",
        "jmespath",
        "orjson",
        "pydantic",
        "pydantic-core",
        "typing-extensions",
        "typing-inspection",
    ),
    "redis": ("hiredis", "redis"),
    "mysql": ("mysql-connector-python",),
}
"""Complete lists: pip does not look for dependencies, and a test imports every bundle."""

PURE: frozenset[Library] = frozenset({"mysql"})
"""Taken as pure Python: the C extension of the MySQL driver alone is 21 MB."""

BUILD = ROOT / "build" / "bundles"
UTILITIES = (
    *("auth_alpha", "batch", "circuit_breaker", "data_masking", "feature_flags", "idempotency"),
    *("data_classes", "kafka", "metadata", "parser", "streaming", "validation"),
)
NEVER_IMPORTED = (
    "bin",
    *(f"aws_lambda_powertools/utilities/{name}" for name in UTILITIES),
    "aws_lambda_powertools/event_handler",
    "mysql/ai",
    "mysql/connector/aio",
    "mysql/connector/django",
    "pydantic/v1",
)
"""These would be half of a bundle. The test that imports every bundle shows if one is needed."""

EVERY_HANDLER = ("__init__", "clock", "entry", "logins", "telemetry", "wiring")
"""What handlers share. `wiring` imports an adapter only when it is asked for."""

BUILD_TRACES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
"""Files that differ from build to build."""


class BundleFailed(Exception):
    """A bundle could not be built. The message quotes pip."""


class Contents(NamedTuple):
    """What one function's bundle contains, of our code and of libraries."""

    handler: str
    """Name of its file in `handlers/`."""
    rooms: tuple[str, ...]
    """Folders below `workflow/`."""
    libraries: tuple[Library, ...]

    def sources(self, root: Path) -> dict[str, Path]:
        """Place in the bundle -> file or folder."""
        names = ["workflow/__init__.py", *(f"workflow/{room}" for room in self.rooms)]
        if any(room.startswith("adapters/") for room in self.rooms):
            names.append("workflow/adapters/__init__.py")
        names += [f"handlers/{one}.py" for one in (*EVERY_HANDLER, self.handler)]
        return {name: root / name for name in sorted(names)}


class Target(NamedTuple):
    """The platform of the libraries. `platforms` are pip's tags; none: this machine's."""

    name: str
    python: str
    platforms: tuple[str, ...]

    @property
    def is_hashed(self) -> bool:
        """Tests build bundles for this machine, which needs other wheels."""
        return bool(self.platforms)


LAMBDA = Target("lambda-arm64", "3.14", ("manylinux_2_28_aarch64", "manylinux2014_aarch64"))
HOST = Target("host", f"{sys.version_info.major}.{sys.version_info.minor}", ())


def build_bundle(
    contents: Contents,
    *,
    target: Target = LAMBDA,
    certificates: Mapping[str, Path] | None = None,
    root: Path = ROOT,
) -> Path:
    """The folder of one bundle. `certificates` become `certificates/{name}`."""
    folders = [_libraries(library, target, root) for library in sorted(contents.libraries)]
    sources = contents.sources(root)
    sources |= {f"certificates/{name}": path for name, path in (certificates or {}).items()}
    kind = "compiled" if interpreter(target.python) else "sources"
    digest = _digest(sources, folders)
    folder = BUILD / f"{target.name}-{contents.handler}-{kind}-{digest}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=_made(BUILD)) as work:
            _assemble(Path(work) / "bundle", folders, sources)
            compile_all(Path(work) / "bundle", target.python)
            _keep(Path(work) / "bundle", folder)
    return folder


def _assemble(folder: Path, libraries: list[Path], sources: Mapping[str, Path]) -> None:
    for library in libraries:
        shutil.copytree(library, folder, dirs_exist_ok=True)
    for name, source in sources.items():
        if source.is_dir():
            unwanted = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(source, folder / name, ignore=unwanted)
        else:
            _made((folder / name).parent)
            shutil.copyfile(source, folder / name)


def _libraries(library: Library, target: Target, root: Path) -> Path:
    """The installed libraries of one group, from `build/` or from pip."""
    wanted = _wanted(library, target, root)
    key = hashlib.sha256(json.dumps([wanted, target, NEVER_IMPORTED]).encode()).hexdigest()[:16]
    folder = BUILD / f"{target.name}-{library}-{key}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=_made(BUILD)) as work:
            _pip_install(wanted, Path(work), selection(library, target))
            _prune(Path(work) / "libraries", NEVER_IMPORTED)
            _keep(Path(work) / "libraries", folder)
    return folder


def _wanted(library: Library, target: Target, root: Path) -> list[str]:
    """Lines of a requirements file; BundleFailed names the library without a pin or a hash."""
    try:
        wanted = requirements(LIBRARIES[library], read_pins(root / PINS))
    except KeyError as error:
        raise BundleFailed(f"{PINS} does not pin {error.args[0]}") from error
    if not target.is_hashed:
        return wanted
    hashes = read_hashes(root / HASHES)
    if missing := [one for one in wanted if one not in hashes]:
        raise BundleFailed(f"{HASHES} has no hash of {', '.join(missing)}; run: make hashes")
    return [hash_line(one, hashes[one]) for one in wanted]


def selection(library: Library, target: Target) -> list[str]:
    """pip's options for the wheels of a target."""
    platforms = ("any",) if library in PURE else target.platforms
    if not platforms:
        return []
    options = ["--implementation", "cp", "--python-version", target.python]
    return options + [option for name in platforms for option in ("--platform", name)]


def _pip_install(wanted: list[str], work: Path, options: list[str]) -> None:
    """Into `work/libraries`. One line with a hash makes pip require all hashes."""
    named = work / "requirements.txt"
    named.write_text("\n".join(wanted) + "\n")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    command += ["--disable-pip-version-check", "--only-binary=:all:"]
    command += ["--target", str(work / "libraries"), "--requirement", str(named)]
    done = subprocess.run(  # noqa: S603 - our own pins
        [*command, *options], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BundleFailed(f"pip could not install {', '.join(wanted)}:\n{done.stderr.strip()}")


def _prune(folder: Path, unwanted: Iterable[str]) -> None:
    for path in [*(folder / name for name in unwanted), *folder.rglob("__pycache__")]:
        shutil.rmtree(path, ignore_errors=True)
    for info in folder.glob("*.dist-info"):
        for name in BUILD_TRACES:
            (info / name).unlink(missing_ok=True)


def _digest(sources: Mapping[str, Path], libraries: list[Path]) -> str:
    digest = hashlib.sha256(json.dumps([folder.name for folder in libraries]).encode())
    for name, source in sorted(sources.items()):
        files = [source] if source.is_file() else sorted(source.rglob("*"))
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{name}/{file.relative_to(source)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _keep(work: Path, folder: Path) -> None:
    """Move a finished folder to its place; another process may have been first."""
    try:
        work.rename(folder)
    except OSError:
        if not folder.exists():
            raise


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    for group in LIBRARIES:
        _libraries(group, LAMBDA, ROOT)
