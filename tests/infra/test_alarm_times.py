"""Within which time people are told of each outage: the arithmetic of the alarms."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infra.stage.stage import ROOT
from tests.infra.parts import require_cdk
from tests.infra.template import Template

require_cdk()

OUTAGES = {
    # outage: alarm, minutes at most, whether silence is the sign
    "a run fails": ("RunFailed", 5, False),
    "no run starts, or none publishes": ("Unpublished", 26 * 60, True),
    "Redis stops, or cannot write": ("RedisDown", 5, True),
    "the Redis host fails its checks": ("RedisHost", 3, False),
    "the volume fills up": ("RedisDisk", 15, False),
    "Redis fills up": ("RedisMemory", 15, False),
    "the host is no longer kept in order": ("RedisUpkeep", 2 * 24 * 60, True),
    "the volume's snapshots fail, or none is made": ("RedisSnapshots", 2 * 24 * 60, True),
    "searches fail": ("SearchErrors", 10, False),
    "the schedule cannot start a run": ("ScheduleDeadLetters", 5, False),
    "a password is not rotated": ("RotationFailed", 5, False),
    "nobody could be told why a run failed": ("FailureDeadLetters", 5, False),
}


@pytest.fixture
def alarms(stack: Any) -> dict[str, dict[str, Any]]:
    return _alarms(stack("created", "Workflow"))


def _alarms(workflow: Template) -> dict[str, dict[str, Any]]:
    return {
        one["Properties"]["AlarmName"].rpartition("-")[2]: one["Properties"]
        for one in workflow.of("AWS::CloudWatch::Alarm").values()
    }


def minutes(alarm: dict[str, Any]) -> float:
    """Until the alarm's window holds nothing but the outage."""
    periods = [alarm["Period"]] if "Period" in alarm else []
    for one in alarm.get("Metrics", ()):
        periods += [one["MetricStat"]["Period"]] if "MetricStat" in one else []
    return float(alarm["EvaluationPeriods"] * max(periods) / 60)


@pytest.mark.parametrize("outage", OUTAGES)
def test_people_are_told_in_time(alarms: dict[str, dict[str, Any]], outage: str) -> None:
    name, most, by_silence = OUTAGES[outage]
    assert minutes(alarms[name]) <= most
    assert (alarms[name]["TreatMissingData"] == "breaching") == by_silence
    assert alarms[name]["AlarmActions"]


def test_every_alarm_is_about_an_outage_or_a_defect(alarms: dict[str, Any]) -> None:
    defects = {"VerificationFailed", "Throttled", "SearchLatency"}
    assert set(alarms) == {name for name, _, _ in OUTAGES.values()} | defects


def test_cloudwatch_takes_the_windows(alarms: dict[str, dict[str, Any]]) -> None:
    """A day at most, or a week where a period is an hour or more."""
    for name, alarm in alarms.items():
        most = 7 if name in ("Unpublished", "RedisUpkeep", "RedisSnapshots") else 1
        assert minutes(alarm) <= most * 24 * 60, name


def test_snapshots_are_counted_where_their_policy_publishes(stack: Any) -> None:
    """Data Lifecycle Manager writes into AWS/EBS by its policy's id; in any other place an alarm
    would find nothing: https://docs.aws.amazon.com/ebs/latest/userguide/monitor-dlm-cw-metrics.html
    """
    alarm = _alarms(stack("created", "Workflow"))["RedisSnapshots"]
    (dimension,) = alarm["Dimensions"]
    data = stack("created", "Data")
    (policy,) = data.of("AWS::DLM::LifecyclePolicy")
    output = dimension["Value"]["Fn::GetStackOutput"]["OutputName"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/EBS", "SnapshotsCreateCompleted")
    assert dimension["Name"] == "DLMPolicyId"
    assert data.outputs[output]["Value"] == {"Ref": policy}


def test_the_operators_page_says_within_which_time(alarms: dict[str, dict[str, Any]]) -> None:
    page = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")
    for name in (
        *("RedisDown", "RedisDisk", "RedisHost"),
        *("Throttled", "SearchErrors", "SearchLatency"),
    ):
        (row,) = re.findall(rf"^\| `{name}` \|.*$", page, re.MULTILINE)
        assert f"{minutes(alarms[name]):.0f} minutes" in row


def test_the_operators_page_says_how_long_what_waits_in_a_queue_is_kept(workflow: Template) -> None:
    row = r"^\| failure mails that could not be sent, and starts that failed \| (\d+) days, in"
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (days,) = re.findall(row, page, re.MULTILINE)
    queues = workflow.of("AWS::SQS::Queue").values()
    kept = {queue["Properties"]["MessageRetentionPeriod"] for queue in queues}
    assert kept == {int(days) * 24 * 60 * 60}


def test_the_metrics_that_alarms_ask_for_are_those_that_functions_write(
    alarms: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    import json

    from handlers.telemetry import count_error
    from workflow.contract.errors import VerificationFailed

    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "drug-catalog-sync-created")
    count_error(VerificationFailed("x"))
    written = json.loads(capsys.readouterr().out)
    (metric,) = written["_aws"]["CloudWatchMetrics"]
    asked = alarms["VerificationFailed"]
    assert metric["Namespace"] == asked["Namespace"]
    assert asked["MetricName"] in {one["Name"] for one in metric["Metrics"]}
    wanted = {one["Name"]: one["Value"] for one in asked["Dimensions"]}
    assert set(metric["Dimensions"][0]) == set(wanted)
    assert {name: written[name] for name in wanted} == wanted
