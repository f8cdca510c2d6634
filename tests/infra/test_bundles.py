"""Bundles are small, for arm64, and complete: they import with nothing but boto3 beside them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from infra.compute.bundles import (
    EVERY_HANDLER,
    HOST,
    LAMBDA,
    LIBRARIES,
    BundleFailed,
    Contents,
    Target,
    build_bundle,
)
from infra.compute.bytecode import OURS, interpreter
from infra.compute.pins import HASHES, PINS, read_hashes, read_pins, requirements
from infra.compute.specs import EVERY, Spec
from infra.stage.stage import ROOT
from tests import payloads
from tests.contract.test_imports import MODULES, is_in, ours
from workflow.contract.events.payloads import RunTask
from workflow.contract.settings import PREFIX, Settings

if find_spec("pip") is None:
    pytest.skip("pip is not installed, which builds the bundles", allow_module_level=True)

pytestmark = pytest.mark.timeout(300)

MEGABYTE = 1_000_000
ZIP_LIMIT = 5 * MEGABYTE
COMPILED_LIMIT = 7 * MEGABYTE
CERTIFICATES = {"mysql-ca.pem": ROOT / "infra" / "certificates" / "rds-roots.pem"}
AWS_SDK = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")

SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:reader-AbCdEf"
SETTINGS = {
    "RUN_BUCKET": "runs",
    "CATALOG_TABLE": "drugs",
    "MYSQL_HOST": "localhost",
    "MYSQL_DATABASE": "catalog",
    "MYSQL_SECRET_ARN": SECRET,
    "REDIS_URL": "redis://127.0.0.1:1",
}


RUNTIME = shutil.which(f"python{LAMBDA.python}")
"""The functions' own Python, where this machine has it; else bundles run under this one."""
RUN_TARGET = Target("host", LAMBDA.python, ()) if RUNTIME else HOST

every_function = pytest.mark.parametrize("spec", EVERY, ids=lambda spec: spec.state)


@every_function
def test_a_bundle_is_small(spec: Spec, tmp_path: Path) -> None:
    folder = build_bundle(spec.contents, certificates=CERTIFICATES)
    archive = Path(shutil.make_archive(str(tmp_path / spec.state), "zip", folder))
    limit = COMPILED_LIMIT if interpreter(LAMBDA.python) else ZIP_LIMIT
    assert archive.stat().st_size < limit


@every_function
def test_a_bundle_holds_arm64_libraries_only_and_no_sdk(spec: Spec) -> None:
    folder = build_bundle(spec.contents)
    names = {path.name for path in folder.iterdir()}
    assert {"workflow", "handlers", "pydantic"} <= names
    assert not names & {"botocore", "boto3", "infra", "local", "cli", "tests", "numpy"}
    compiled = [path for path in folder.rglob("*") if ".so" in path.suffixes]
    assert compiled
    for path in compiled:
        assert machine_of(path) == "aarch64", path
        assert "mysql" not in path.relative_to(folder).parts[0]
    assert not list(folder.rglob("_mysql_connector*"))


@every_function
def test_a_bundle_holds_the_rooms_and_libraries_of_its_function_only(spec: Spec) -> None:
    folder, contents = build_bundle(spec.contents), spec.contents
    assert {path.stem for path in (folder / "handlers").glob("*.py")} == {
        *EVERY_HANDLER,
        contents.handler,
    }
    held = {room for room in rooms_of_the_project() if (folder / "workflow" / room).is_dir()}
    assert held == set(contents.rooms)
    assert (folder / "mysql").exists() == ("mysql" in contents.libraries)
    assert (folder / "redis").exists() == ("redis" in contents.libraries)
    assert not (folder / "aws_lambda_powertools" / "event_handler").exists()


@every_function
def test_a_function_names_the_rooms_that_its_handler_is_made_of(spec: Spec) -> None:
    """Adapters follow from what the function may reach; the wiring imports them when asked."""
    reached = {
        room for room in rooms_of_the_project() for name in closure(spec.handler)
        if is_in(name, f"workflow.{room.replace('/', '.')}")
    }  # fmt: skip
    named = set(spec.contents.rooms)
    assert reached - named == set()
    assert {room for room in named - reached if not room.startswith("adapters/")} == set()


def test_every_handler_belongs_to_a_function() -> None:
    files = {path.stem for path in (ROOT / "handlers").glob("*.py")} - set(EVERY_HANDLER)
    assert files == {spec.handler for spec in EVERY}


def closure(handler: str) -> set[str]:
    """Every module of ours that importing a handler imports; not what the wiring asks for later."""
    seen: set[str] = set()
    todo = [f"handlers.{handler}"]
    while todo:
        name = todo.pop()
        if name in seen or name not in MODULES:
            continue
        seen.add(name)
        if name != "handlers.wiring":
            todo += ours(name)
    return seen


def rooms_of_the_project() -> list[str]:
    folders = [path.parent for path in (ROOT / "workflow").rglob("__init__.py")]
    names = [path.relative_to(ROOT / "workflow").as_posix() for path in folders]
    return [name for name in names if "/" not in name or name.startswith("adapters/")
            if name not in (".", "adapters")]  # fmt: skip


# Each bundle alone: nothing beside it but boto3, and no network


RUN = payloads.plan().run
EVENTS: dict[str, tuple[Any, str]] = {
    "accept_run": (
        {
            "run_id": "r", "state_machine_arn": "arn:aws:states:us-east-1:1:stateMachine:m",
            "started_at": "2026-11-28T00:00:00Z", "input": {},
        },
        "ExecutionsUnavailable",
    ),
    "plan_pages": (RunTask(run=RUN), "Unavailable"),
    "diff_page": (payloads.diff_task(), "Unavailable"),
    "review_changes": (payloads.review_task(), "RunStoreUnavailable"),
    "embed_page": (payloads.embed_task(1), "Unavailable"),
    "load_page": (payloads.load_task(), "Unavailable"),
    "verify_index": (payloads.reviewed_task(), "Unavailable"),
    "publish_index": (payloads.reviewed_task(), "Unavailable"),
    "verify_page": (payloads.diff_task(), "Unavailable"),
    "prune_index": (payloads.reviewed_task(), "Unavailable"),
    "report_run": (payloads.reviewed_task(), "RunStoreUnavailable"),
    "operate_index": ({"action": "rollback", "run_id": "r"}, "Unavailable"),
    "notify_failure": (
        {"detail": {"executionArn": "arn:aws:states:us-east-1:1:execution:m:r"}},
        "ExecutionsUnavailable",
    ),
    "rotate_password": (
        {"Step": "createSecret", "SecretId": SECRET, "ClientRequestToken": "t" * 36},
        "CatalogUnavailable",
    ),
}  # fmt: skip
"""A right event of each function, and how its answer ends where no server can be reached."""

ALONE = """
import json, socket, sys, time
sys.path[:0] = [{bundle!r}, {sdk!r}]
def refuse(*_):
    raise ConnectionRefusedError("there is no network in this test")
socket.socket.connect = refuse
time.sleep = lambda _: None
from types import SimpleNamespace
context = SimpleNamespace(function_name="f", aws_request_id="1")
"""
ASK = """
from handlers.{handler} import handler
try:
    print(json.dumps(handler(json.loads({event!r}), context)))
except Exception as error:
    print(type(error).__name__)
strangers = [name for name, one in sys.modules.items()
             if "site-packages" in (getattr(one, "__file__", None) or "")]
assert not strangers, strangers
"""
TAKE = """
import json, re
from handlers.wiring import wiring
for name in {used!r}:
    getattr(wiring(), name)
"""


def test_the_bundles_ran_under_the_functions_own_python() -> None:
    if RUNTIME is None:
        pytest.skip(f"no python{LAMBDA.python} here: the bundles ran under {HOST.python}")


@pytest.mark.parametrize("handler", EVENTS)
def test_a_bundle_alone_answers_an_event(handler: str, sdk: Path) -> None:
    event, expected = EVENTS[handler]
    output = run_alone(contents_of(handler), sdk, ASK.format(handler=handler, event=_json(event)))
    assert output.splitlines()[-1].endswith(expected), output


@every_function
def test_a_bundle_has_every_adapter_that_its_handler_takes(spec: Spec, sdk: Path) -> None:
    source = (ROOT / "handlers" / f"{spec.handler}.py").read_text()
    used = sorted(set(re.findall(r"\bw\.(\w+)", source)))
    run_alone(spec.contents, sdk, TAKE.format(used=used))


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/v1/drugs", 400, "q: "),
        ("/elsewhere", 404, "no such path; use GET /v1/drugs"),
        ("/v1/health", 503, "IndexUnavailable: try again later"),
    ],
)
def test_the_bundle_of_searches_alone_answers_requests(
    sdk: Path, path: str, status: int, detail: str
) -> None:
    code = ASK.format(handler="search_api", event=json.dumps(request(path)))
    answer = json.loads(run_alone(contents_of("search_api"), sdk, code).splitlines()[-1])
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert (answer["statusCode"], detail in answer["body"]) == (status, True), answer["body"]


def test_every_function_answers_an_event_alone() -> None:
    assert {*EVENTS, "search_api"} == {spec.handler for spec in EVERY}


def test_a_bundle_is_compiled_by_the_python_that_runs_it() -> None:
    """Libraries in their place, ours beside the sources that a traceback shows."""
    bundle = build_bundle(contents_of("plan_pages"), target=RUN_TARGET)
    ours = [path for name in OURS for path in (bundle / name).rglob("*.py")]
    assert ours
    tag = f"cpython-{RUN_TARGET.python.replace('.', '')}"
    for path in ours:
        assert (path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc").exists(), path
    others = [path for path in bundle.rglob("*.py") if path not in ours]
    assert others == []
    assert (bundle / "pydantic" / "__init__.pyc").exists()


def test_without_the_functions_python_a_bundle_has_sources(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("bundles", "bytecode"):
        monkeypatch.setattr(f"infra.compute.{module}.interpreter", lambda _version: None)
    bundle = build_bundle(contents_of("plan_pages"), target=RUN_TARGET)
    assert list(bundle.rglob("*.pyc")) == []
    assert (bundle / "pydantic" / "__init__.py").exists()


def contents_of(handler: str) -> Contents:
    return next(spec.contents for spec in EVERY if spec.handler == handler)


def _json(event: Any) -> str:
    """With the digest of the settings below, as AcceptRun hands it on."""
    data = event if isinstance(event, dict) else event.model_dump(mode="json")
    digest = Settings.from_environment(variables()).digest
    return json.dumps(data).replace(f'"{RUN.settings_digest}"', f'"{digest}"')


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


def run_alone(contents: Contents, sdk: Path, code: str) -> str:
    """What the code prints in an interpreter that finds the bundle, boto3 and nothing else."""
    bundle = build_bundle(contents, target=RUN_TARGET)
    program = ALONE.format(bundle=str(bundle), sdk=str(sdk)) + code
    keys = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nobody"}
    own = {"RUN_BUCKET": "runs", "FAILURE_TOPIC_ARN": "arn:aws:sns:us-east-1:1:t"}
    done = subprocess.run(
        [RUNTIME or sys.executable, "-I", "-S", "-c", program],
        env={"AWS_DEFAULT_REGION": "us-east-1", "PATH": os.environ["PATH"]}
        | keys | own | variables(),
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def variables() -> dict[str, str]:
    return {f"{PREFIX}{name}": value for name, value in SETTINGS.items()}


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with boto3 and what it needs: what the Lambda runtime has."""
    folder = tmp_path_factory.mktemp("sdk")
    for name in AWS_SDK:
        spec = find_spec(name)
        assert spec is not None, name
        assert spec.origin is not None, name
        source = Path(spec.origin)
        source = source.parent if source.name == "__init__.py" else source
        (folder / source.name).symlink_to(source)
    return folder


def test_every_library_is_pinned_in_one_place() -> None:
    pins = read_pins(ROOT / PINS)
    assert {name for names in LIBRARIES.values() for name in names} <= set(pins)


def test_every_library_has_the_hash_of_its_pinned_version_and_no_other_is_there() -> None:
    """An upgrade of a pin without `make hashes` fails here, and before a deployment."""
    pins = read_pins(ROOT / PINS)
    wanted = {one for names in LIBRARIES.values() for one in requirements(names, pins)}
    assert set(read_hashes(ROOT / HASHES)) == wanted
    assert "://" not in (ROOT / HASHES).read_text()


def copy_of(tmp_path: Path, *, pins: str = "", hashes: str = "") -> Path:
    (tmp_path / HASHES).parent.mkdir(parents=True)
    (tmp_path / PINS).write_text(pins or (ROOT / PINS).read_text())
    (tmp_path / HASHES).write_text(hashes or (ROOT / HASHES).read_text())
    return tmp_path


def test_a_library_that_is_not_pinned_is_named(tmp_path: Path) -> None:
    root = copy_of(tmp_path, pins="pydantic==2.0\n")
    with pytest.raises(BundleFailed, match=r"constraints\.txt does not pin annotated-types"):
        build_bundle(EVERY[0].contents, root=root)


def test_a_library_without_a_hash_is_named(tmp_path: Path) -> None:
    text = (ROOT / HASHES).read_text()
    root = copy_of(tmp_path, hashes=re.sub("^orjson.*$", "", text, flags=re.MULTILINE))
    with pytest.raises(BundleFailed, match=r"no hash of orjson==\S+; run: make hashes"):
        build_bundle(EVERY[0].contents, root=root)


def test_a_wheel_that_somebody_changed_is_refused(tmp_path: Path) -> None:
    """Whatever the index serves under the right name and version."""
    version = read_pins(ROOT / PINS)["orjson"]
    text = re.sub(r"^orjson.*$", f"orjson=={version} --hash=sha256:{'0' * 64}",
                  (ROOT / HASHES).read_text(), flags=re.MULTILINE)  # fmt: skip
    with pytest.raises(BundleFailed, match="DO NOT MATCH THE HASHES"):
        build_bundle(EVERY[0].contents, root=copy_of(tmp_path, hashes=text))


def test_the_runtime_is_the_one_that_the_libraries_are_for() -> None:
    source = (ROOT / "infra" / "compute" / "functions.py").read_text()
    assert f"PYTHON_{LAMBDA.python.replace('.', '_')}" in source


def test_the_settings_above_are_enough() -> None:
    Settings.from_environment(variables())


def machine_of(path: Path) -> str:
    """The ELF header's machine (e_machine, two bytes at 18)."""
    header = path.read_bytes()[:20]
    assert header[:4] == b"\x7fELF"
    return {183: "aarch64", 62: "x86_64"}.get(int.from_bytes(header[18:20], "little"), "other")
