"""Bundles are small, for arm64, and complete: they import with nothing but boto3 beside them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from infra.compute.bundles import (
    HOST,
    LAMBDA,
    LIBRARIES,
    PINS,
    BundleFailed,
    build_bundle,
    read_pins,
)
from infra.stage.stage import ROOT
from tests.infra.parts import missing_part
from workflow.contract.settings import PREFIX, Settings

if find_spec("pip") is None:
    pytest.skip("pip is not installed, which builds the bundles", allow_module_level=True)

pytestmark = pytest.mark.timeout(300)

MEGABYTE = 1_000_000
ZIP_LIMIT = 5 * MEGABYTE
CERTIFICATES = {"mysql-ca.pem": ROOT / "infra" / "certificates" / "rds-roots.pem"}
AWS_SDK = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")

ADAPTERS = {"catalog": "mysql", "index": "redis", "quota": "redis"}
"""What a handler takes from the wiring, and the library that it needs."""

SETTINGS = {
    "RUN_BUCKET": "runs",
    "CATALOG_TABLE": "drugs",
    "MYSQL_HOST": "localhost",
    "MYSQL_DATABASE": "catalog",
    "REDIS_URL": "redis://127.0.0.1:1",
}


def handlers() -> list[str]:
    """Every handler that a function is made of."""
    others = {"__init__", "clock", "entry", "wiring"}
    return sorted(path.stem for path in (ROOT / "handlers").glob("*.py") if path.stem not in others)


def libraries(handler: str) -> list[str]:
    """From the handler's own code: `w.catalog` needs the MySQL driver."""
    source = (ROOT / "handlers" / f"{handler}.py").read_text()
    used = re.findall(r"\bw\.(\w+)", source)
    http = {"http"} if "aws_lambda_powertools.event_handler" in source else set()
    return sorted({"core", *(ADAPTERS[name] for name in used if name in ADAPTERS), *http})


@pytest.mark.parametrize("handler", handlers())
def test_a_bundle_is_below_five_megabytes(handler: str, tmp_path: Path) -> None:
    folder = build_bundle(libraries(handler), certificates=CERTIFICATES)  # type: ignore[arg-type]
    archive = Path(shutil.make_archive(str(tmp_path / handler), "zip", folder))
    assert archive.stat().st_size < ZIP_LIMIT


@pytest.mark.parametrize("handler", handlers())
def test_a_bundle_holds_arm64_libraries_only_and_no_sdk(handler: str) -> None:
    folder = build_bundle(libraries(handler))  # type: ignore[arg-type]
    names = {path.name for path in folder.iterdir()}
    assert {"workflow", "handlers", "pydantic"} <= names
    assert not names & {"botocore", "boto3", "infra", "local", "cli", "tests", "numpy"}
    compiled = [path for path in folder.rglob("*") if ".so" in path.suffixes]
    assert compiled
    for path in compiled:
        assert machine_of(path) == "aarch64", path
        assert "mysql" not in path.relative_to(folder).parts[0]
    assert not list(folder.rglob("_mysql_connector*"))


@pytest.mark.parametrize("handler", handlers())
def test_a_bundle_holds_only_the_libraries_of_its_function(handler: str) -> None:
    folder, wanted = build_bundle(libraries(handler)), libraries(handler)  # type: ignore[arg-type]
    assert (folder / "mysql").exists() == ("mysql" in wanted)
    assert (folder / "redis").exists() == ("redis" in wanted)
    event_handler = folder / "aws_lambda_powertools" / "event_handler"
    assert event_handler.exists() == ("http" in wanted)


@pytest.mark.parametrize("handler", handlers())
def test_a_bundle_imports_in_a_clean_interpreter(handler: str, sdk: Path) -> None:
    """The same pins for this machine: the handler, and every adapter that it takes."""
    folder = build_bundle(libraries(handler), target=HOST)  # type: ignore[arg-type]
    used = sorted(set(re.findall(r"\bw\.(\w+)", (ROOT / "handlers" / f"{handler}.py").read_text())))
    code = f"""
import sys
sys.path[:0] = [{str(folder)!r}, {str(sdk)!r}]
import handlers.{handler}
from handlers.wiring import wiring
for name in {used!r}:
    getattr(wiring(), name)
strangers = [name for name, one in sys.modules.items()
             if "site-packages" in (getattr(one, "__file__", None) or "")]
assert not strangers, strangers
"""
    run_alone(code)


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/drugs", 400, "q: "),
        ("/elsewhere", 404, "no such path; GET /drugs"),
        ("/health", 503, "IndexUnavailable: try again later"),
    ],
)
def test_the_bundle_of_searches_answers_requests(
    sdk: Path, path: str, status: int, detail: str
) -> None:
    """With nothing beside it but boto3, and no Redis: what needs none is answered, too."""
    folder = build_bundle(libraries("search_api"), target=HOST)  # type: ignore[arg-type]
    assert (folder / "workflow" / "search" / "synonyms.json").is_file()
    event = json.dumps(request(path))
    output = run_alone(f"""
import json, sys
from types import SimpleNamespace
sys.path[:0] = [{str(folder)!r}, {str(sdk)!r}]
from handlers.search_api import handler
from workflow.synonyms import fda_synonyms
assert fda_synonyms().phrases
context = SimpleNamespace(function_name="SearchApi", aws_request_id="1")
print(json.dumps(handler(json.loads({event!r}), context)))
""")
    answer = json.loads(output.splitlines()[-1])
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert (answer["statusCode"], detail in answer["body"]) == (status, True), answer["body"]


def request(path: str) -> dict[str, Any]:
    """What an HTTP API sends for GET (payload 2.0)."""
    http = {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}
    context = {"http": http, "routeKey": f"GET {path}", "stage": "$default", "requestId": "1"}
    return {
        "version": "2.0",
        "routeKey": f"GET {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "abc123.execute-api.us-east-1.amazonaws.com"},
        "requestContext": context,
        "isBase64Encoded": False,
    }


def run_alone(code: str) -> str:
    """What the code prints in an interpreter that finds no package but those it adds itself."""
    environment = {f"{PREFIX}{name}": value for name, value in SETTINGS.items()}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        env={"AWS_DEFAULT_REGION": "us-east-1", "PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with boto3 and what it needs: what the Lambda runtime has."""
    folder = tmp_path_factory.mktemp("sdk")
    site = Path(sysconfig.get_paths()["purelib"])
    for name in AWS_SDK:
        source = site / name if (site / name).exists() else site / f"{name}.py"
        (folder / source.name).symlink_to(source)
    return folder


def test_functions_and_bundles_agree_on_their_libraries() -> None:
    """The deployed functions take the libraries that their handlers use."""
    if missing := missing_part():
        pytest.skip(f"no templates without it: {missing}")
    from infra.compute.functions import OPERATOR, SEARCH, SPECS

    every = (*SPECS, OPERATOR, SEARCH)
    specs = {spec.handler.split(".")[1]: sorted(spec.libraries) for spec in every}
    assert specs == {name: libraries(name) for name in handlers() if name != "notify_failure"}


def test_every_library_is_pinned_in_one_place() -> None:
    pins = read_pins(ROOT / PINS)
    assert {name for names in LIBRARIES.values() for name in names} <= set(pins)


def test_a_library_that_is_not_pinned_is_named(tmp_path: Path) -> None:
    (tmp_path / PINS).write_text("pydantic==2.0\n")
    with pytest.raises(BundleFailed, match=r"constraints\.txt does not pin annotated-types"):
        build_bundle(["core"], root=tmp_path)


def test_the_runtime_is_the_one_that_the_libraries_are_for() -> None:
    source = (ROOT / "infra" / "compute" / "functions.py").read_text()
    assert f"PYTHON_{LAMBDA.python.replace('.', '_')}" in source


def test_the_settings_above_are_enough() -> None:
    Settings.from_environment({f"{PREFIX}{name}": value for name, value in SETTINGS.items()})


def machine_of(path: Path) -> str:
    """The ELF header's machine (e_machine, two bytes at 18)."""
    header = path.read_bytes()[:20]
    assert header[:4] == b"\x7fELF"
    return {183: "aarch64", 62: "x86_64"}.get(int.from_bytes(header[18:20], "little"), "other")
