"""What a cold start costs: the size of each bundle, and how long its handlers take to import."""

import statistics
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3

from infra.compute.bundles import HOST, build_bundle
from infra.compute.specs import EVERY, NOTIFIER, Spec

REPEATED = 5
IMPORT = """
import sys, time
{before}
sys.path[:0] = [{bundle!r}]
started = time.process_time()
import {modules}
print(time.process_time() - started)
"""
SDK = f"sys.path.append({str(Path(boto3.__file__).parents[1])!r}); import boto3; sys.path.pop()"
"""The notifier imports it at once, and the runtime brings it."""


def cold_starts() -> list[dict[str, Any]]:
    """Of each function: bytes as zipped for Lambda, milliseconds of this machine's own bundle.

    Processor time, which other work on the machine changes least.

    Lambda cannot keep compiled files beside the code, so each cold start compiles what it imports;
    `compiled_ms` is what would be left. Python's own start and boto3, which the runtime brings and
    functions import when they first ask AWS, are not in it.
    """
    with TemporaryDirectory() as folder:
        return [_measure(spec, Path(folder)) for spec in EVERY]


def _measure(spec: Spec, folder: Path) -> dict[str, Any]:
    modules = [f"handlers.{spec.handler}"]
    # What wiring.py imports at the first call.
    modules += ["workflow.adapters.redis.index"] * spec.uses_redis
    modules += ["workflow.adapters.mysql.catalog"] * ("catalog" in spec.access)
    bundle = str(build_bundle(spec.contents, target=HOST))
    program = IMPORT.format(
        before=SDK if spec is NOTIFIER else "", bundle=bundle, modules=", ".join(modules)
    )
    nowhere, kept = folder / "nowhere", folder / "kept"
    _seconds(program, kept)
    return {
        "function": spec.state,
        "zip_mb": _zipped(build_bundle(spec.contents), folder / "bundle.zip") / 1e6,
        "import_ms": 1e3 * _median(program, "-B", nowhere),
        "compiled_ms": 1e3 * _median(program, "-b", kept),
    }


def _zipped(bundle: Path, archive: Path) -> int:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(bundle.rglob("*")):
            file.write(path, path.relative_to(bundle))
    return archive.stat().st_size


def _median(program: str, flag: str, cache: Path) -> float:
    return statistics.median(_seconds(program, cache, flag) for _ in range(REPEATED))


def _seconds(program: str, cache: Path, flag: str = "-b") -> float:
    """Isolated from this environment; compiled files come from `cache` only."""
    command = [sys.executable, "-I", "-S", flag, "-X", f"pycache_prefix={cache}", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)
