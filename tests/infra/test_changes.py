"""Each documented change of a stage, before and after: what CloudFormation would do with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from infra.stage.stage import ROOT, load_stage
from tests.infra.changes import HOLDS_DATA, difference, fixed_names, kinds
from tests.infra.parts import require_cdk
from tests.infra.template import Template

require_cdk()

STAGES = Path(__file__).parent / "stages"
SEARCH = '[search]\nauthorization = "iam"'
REDIS = "[redis.create]\n"


class Stacks(NamedTuple):
    data: Template
    workflow: Template


class Change(NamedTuple):
    """A line of the table in docs/deploy.md; `replaced` are types of the data stack."""

    words: str
    old: str
    new: str
    replaced: frozenset[str] = frozenset()


NOTHING: frozenset[str] = frozenset()
CHANGES = [
    Change("`[search]` off", SEARCH, ""),
    Change("`rotation_days`", "[mysql.create]\n", "[mysql.create]\nrotation_days = 30\n"),
    Change("`iam_auth` on", '[mysql]\n', '[mysql]\niam_auth = true\nuser = "drugsync_reader"\n'),
    Change("`max_memory_gb`, `volume_gb`", REDIS, f"{REDIS}max_memory_gb = 8\nvolume_gb = 60\n"),
    Change("`package`, `package_sha256`", "8.2.9.aarch64", "8.4.6.aarch64"),
    Change("`instance_type`", REDIS, f'{REDIS}instance_type = "r7g.xlarge"\n'),
    Change("`image_id`", "ami-0123456789abcdef0", "ami-0fedcba9876543210",
           frozenset({"AWS::EC2::Instance"})),
    Change("`snapshot_id`", REDIS, f'{REDIS}snapshot_id = "snap-0123456789abcdef0"\n',
           frozenset({"AWS::EC2::Volume"})),
    Change("`protected`", 'region = "us-east-1"', 'region = "us-east-1"\nprotected = true'),
    Change("a setting", "[settings]\n", "[settings]\ntokens_per_minute = 100000\n"),
    Change("an address", "catalog@example.com", "other@example.com"),
]  # fmt: skip


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Stacks]:
    """Both stacks of a stage file's text."""
    from infra.app import build

    @cache
    def synthesize(text: str) -> Stacks:
        folder = tmp_path_factory.mktemp("stage")
        (folder / "stage.toml").write_text(text)
        build(load_stage(folder / "stage.toml"), output=folder / "out").synth()
        read = {one: Template.read(folder / "out" / f"{one}.template.json") for one in STACKS}
        return Stacks(read["Data"], read["Workflow"])

    return synthesize


STACKS = ("Data", "Workflow")


def created() -> str:
    return (STAGES / "created.toml").read_text().replace("rotation_days = 30\n", "")


@pytest.fixture(params=CHANGES, ids=lambda change: change.words)
def change(request: pytest.FixtureRequest) -> Change:
    assert isinstance(request.param, Change)
    return request.param


@pytest.fixture
def pair(change: Change, synthesized: Callable[[str], Stacks]) -> tuple[Stacks, Stacks]:
    before = created()
    assert change.old in before
    return synthesized(before), synthesized(before.replace(change.old, change.new, 1))


def test_a_change_replaces_what_the_table_says_and_nothing_else(
    change: Change, pair: tuple[Stacks, Stacks]
) -> None:
    before, after = pair
    found = difference(before.data, after.data)
    assert kinds(before.data, found.replaced) == change.replaced
    assert kinds(before.workflow, difference(before.workflow, after.workflow).replaced) == NOTHING


def test_what_holds_data_is_kept_when_it_is_replaced_or_left_out(
    pair: tuple[Stacks, Stacks],
) -> None:
    before, after = pair
    found = difference(before.data, after.data)
    for name in found.replaced | found.removed:
        resource = before.data.resources[name]
        if resource["Type"] in HOLDS_DATA:
            assert resource["UpdateReplacePolicy"] == "Retain", name
            assert resource["DeletionPolicy"] in {"Retain", "RetainExceptOnCreate"}, name


def test_no_change_waits_for_the_other_stack(pair: tuple[Stacks, Stacks]) -> None:
    """An export cannot be changed or removed while the other stack imports it."""
    for stacks in pair:
        assert not [one for one in stacks.data.outputs.values() if "Export" in one]
        assert "Fn::ImportValue" not in json.dumps(stacks.workflow.resources)


def test_what_the_workflow_reads_is_an_output_of_the_data_stack(
    pair: tuple[Stacks, Stacks],
) -> None:
    for stacks in pair:
        text = json.dumps(stacks.workflow.resources)
        names = set(re.findall(r'"OutputName": "(\w+)"', text))
        assert names
        assert names <= set(stacks.data.outputs)


def test_the_workflow_stack_reads_again_what_was_replaced(pair: tuple[Stacks, Stacks]) -> None:
    """CloudFormation reads an output only while it changes the stack that reads it:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getstackoutput.html
    An alarm would watch an instance that is gone, and say nothing.
    """
    before, after = pair
    replaced = difference(before.data, after.data).replaced
    changed = difference(before.workflow, after.workflow).changed
    for name, output in after.data.outputs.items():
        if any(f'"{one}"' in json.dumps(output["Value"]) for one in replaced):
            readers = {
                reader
                for reader, one in after.workflow.resources.items()
                if f'"OutputName": "{name}"' in json.dumps(one)
            }
            assert readers <= set(changed), name


def test_user_data_never_changes(pair: tuple[Stacks, Stacks]) -> None:
    """EC2 runs it once; a change stops the live server, starts it, and applies nothing."""
    texts = {
        json.dumps(one["Properties"]["UserData"])
        for stacks in pair
        for one in stacks.data.of("AWS::EC2::Instance").values()
    }
    assert len(texts) == 1


def test_a_change_of_the_servers_configuration_runs_again(
    change: Change, pair: tuple[Stacks, Stacks]
) -> None:
    """The association has a digest of everything that the script is told.

    A new volume has another id, which no template shows; a new instance is another target.
    """
    before, after = pair
    found = difference(before.data, after.data)
    told = {"AWS::SSM::Document"} & kinds(before.data, set(found.changed))
    told |= {"AWS::EC2::Volume"} & kinds(before.data, found.replaced)
    applied = [name for name in found.changed if name.startswith("RedisHostApply")]
    assert bool(told) == bool(applied)


# Names


def test_two_stages_in_one_account_share_no_name(synthesized: Callable[[str], Stacks]) -> None:
    first = synthesized(created())
    other = synthesized(created().replace('name = "created"', 'name = "other"'))
    for one, another in zip(first, other, strict=True):
        assert fixed_names(one).keys() & fixed_names(another).keys() == set()
    dimensions = [
        {
            (metric["Namespace"], metric["MetricName"], json.dumps(metric.get("Dimensions")))
            for metric in _metrics(stacks.workflow)
            if metric["Namespace"] == "DrugCatalogSync"
        }
        for stacks in (first, other)
    ]
    assert dimensions[0]
    assert dimensions[0] & dimensions[1] == set()


def _metrics(workflow: Template) -> list[dict[str, object]]:
    found = []
    for alarm in workflow.of("AWS::CloudWatch::Alarm").values():
        properties = alarm["Properties"]
        found += [properties] if "MetricName" in properties else []
        parts = [one.get("MetricStat", {}) for one in properties.get("Metrics", ())]
        found += [part["Metric"] for part in parts if part]
    return found


def test_what_is_kept_is_not_in_the_way_of_its_successor(
    synthesized: Callable[[str], Stacks],
) -> None:
    """A name that is fixed, of something that stays, is taken when the stack is made again."""
    for template in synthesized(created()):
        for (kind, name), logical_id in fixed_names(template).items():
            policy = template.resources[logical_id].get("DeletionPolicy", "Delete")
            assert policy == "Delete" or kind == "AWS::S3::Bucket", name


def test_a_first_deployment_that_fails_can_be_taken_away(
    synthesized: Callable[[str], Stacks],
) -> None:
    data, _ = synthesized(created())
    assert not [
        name for name, one in data.resources.items() if one.get("DeletionPolicy") == "Retain"
    ]
    assert data.only("AWS::RDS::DBCluster")["Properties"]["DeletionProtection"] is False
    for one in data.of("AWS::EC2::Instance").values():
        assert not one["Properties"].get("DisableApiTermination")


def test_the_deployment_page_says_what_each_change_does() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    for change in CHANGES:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| {change.words} |")]
        says = "replaced" in row
        assert says == bool(change.replaced), row
