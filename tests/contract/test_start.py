"""What a command imports before it starts to work, which a user waits for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.verbs import VERBS, Late

ROOT = Path(__file__).parents[2]
HEAVY = {
    *("aws_lambda_powertools", "boto3", "botocore", "moto", "mysql", "numpy", "onnxruntime"),
    *("orjson", "pydantic", "redis"),
}
SHOWN = """
import json, sys
sys.argv = ["drugsync", *json.loads(sys.argv[1])]
try:
    from cli.main import main
    main()
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def modules_of(home: Path, *arguments: str) -> set[str]:
    """The modules that a command has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", SHOWN, json.dumps(arguments)],
        cwd=ROOT,
        env={"DRUGSYNC_HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]], ids=" ".join)
def test_the_list_of_verbs_imports_none_of_them(tmp_path: Path, arguments: list[str]) -> None:
    found = modules_of(tmp_path, *arguments)
    assert {name.partition(".")[0] for name in found} & HEAVY == set()
    ours = {name for name in found if name.startswith(("cli.", "local.", "workflow.", "handlers"))}
    assert ours == {
        *("cli.app", "cli.main", "cli.standby", "cli.standby.client", "cli.typed"),
        "cli.streams",
        "cli.verbs",
        "local.places",
        "local.uninterrupted",
    }


@pytest.mark.parametrize("verb", ["search", "info", "catalog", "runs"])
def test_a_verb_that_runs_nothing_imports_no_state_machine(tmp_path: Path, verb: str) -> None:
    found = {name.partition(".")[0] for name in modules_of(tmp_path, verb, "--help")}
    assert found & {"moto", "numpy", "onnxruntime"} == set()


def test_the_state_machine_of_moto_starts_without_its_ec2() -> None:
    code = "import sys, local.engine.engine; print('moto.ec2' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize("name", VERBS)
def test_the_list_says_what_a_verbs_own_help_begins_with(name: str) -> None:
    own = Late(name, VERBS[name]).itself.help
    assert " ".join(own.partition("\n\n")[0].split()) == VERBS[name].says


@pytest.mark.parametrize("state", ["search_api", "publish_index"])
def test_a_cold_start_hardly_looks_for_garbage(state: str) -> None:
    code = (
        "import gc; found = []; gc.callbacks.append(lambda phase, _: found.append(phase)); "
        f"import handlers.{state}; print(found.count('start'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) <= 4
