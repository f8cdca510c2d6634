"""What the synthesized stacks hold, in three configurations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.compute.specs import SPECS
from infra.data.redis_users import USERS
from tests.infra.parts import require_cdk
from tests.infra.template import Grant, Template, shown
from workflow.contract.runs import EMBED_MANIFEST, LOAD_MANIFEST, PAGES
from workflow.contract.settings import PREFIX, Settings

require_cdk()

Stack = Callable[[str, str], Template]

EVERY_STATE = {spec.state: spec for spec in SPECS}
IN_VPC = {name for name, spec in EVERY_STATE.items() if spec.in_vpc}
READS_CATALOG = {"PlanPages", "DiffPage", "VerifyPage", "PublishIndex"}
READS_INDEX = {"DiffPage", "VerifyPage"}
CALLS_MODEL = {"EmbedPage", "VerifyIndex"}
WRITES = {
    "PlanPages": {"plan.json", "baseline.json", "pages.json", "again.jsonl.gz"},
    "DiffPage": {"diff/*"},
    "ReviewChanges": {"cut.json", "review.json", "embed.json", "load.json", "embed/*.jsonl.gz"},
    "EmbedPage": {"embed/*.json"},
    "LoadPage": {"load/*"},
    "VerifyPage": {"verify/*"},
    "VerifyIndex": {"verification.json", "building.json", "golden.json"},
    "PublishIndex": {"publish.json", "publish.building.json"},
    "PruneIndex": {"publish.json"},
    "ReportRun": {"report.json", "report.html"},
}
READS_NO_FILE = {"AcceptRun", "PlanPages", "DiffPage", "PruneIndex"}


def tasks(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in definition["States"].items():
        if state["Type"] == "Task":
            yield name, state
        if "ItemProcessor" in state:
            yield from tasks(state["ItemProcessor"])


# The machine


def test_every_task_state_has_its_function_and_its_substitution(
    workflow: Template, definition: dict[str, Any]
) -> None:
    machine = workflow.only("AWS::StepFunctions::StateMachine")["Properties"]
    states = {name for name, _ in tasks(definition)}
    placeholders = set(re.findall(r"\$\{(\w+)\}", shown(machine["DefinitionString"])))
    assert placeholders == states == set(machine["DefinitionSubstitutions"])
    for state, arn in machine["DefinitionSubstitutions"].items():
        function = workflow.resources[arn["Fn::GetAtt"][0]]["Properties"]
        assert function == workflow.function(state)


def test_the_definition_is_the_file_as_it_is(
    workflow: Template, definition: dict[str, Any]
) -> None:
    machine = workflow.only("AWS::StepFunctions::StateMachine")["Properties"]
    assert json.loads(shown(machine["DefinitionString"])) == definition
    assert definition["TimeoutSeconds"] > 0


def test_a_function_ends_before_its_task_times_out(
    workflow: Template, definition: dict[str, Any]
) -> None:
    for name, state in tasks(definition):
        assert workflow.function(name)["Timeout"] < state["TimeoutSeconds"]


def test_the_machine_may_run_and_redrive_its_children_and_nothing_else(
    stack: Stack, definition: dict[str, Any]
) -> None:
    workflow = stack("created", "Workflow")
    arn = "arn:{AWS::Partition}:states:us-east-1:111122223333"
    name = "drug-catalog-sync-created"
    files = f"arn:{{AWS::Partition}}:s3:::{name}-runs-111122223333-us-east-1/runs/*.json"
    found = {one for one in workflow.grants("MachineRole") if one.resource != "*"}
    invoked = {one for one in found if one.action == "lambda:InvokeFunction"}
    assert found - invoked == {
        Grant("states:StartExecution", f"{arn}:stateMachine:{name}"),
        Grant("states:DescribeExecution", f"{arn}:execution:{name}:*"),
        Grant("states:StopExecution", f"{arn}:execution:{name}:*"),
        Grant("states:RedriveExecution", f"{arn}:execution:{name}/*:*"),
        Grant("s3:GetObject", files),
    }
    assert len(invoked) == len(list(tasks(definition)))
    assert all(manifest.endswith(".json") for manifest in (PAGES, EMBED_MANIFEST, LOAD_MANIFEST))
    assert all(
        "Label" in state for state in definition["States"].values() if state["Type"] == "Map"
    )


def test_the_machine_logs_everything_but_payloads_and_traces(workflow: Template) -> None:
    machine = workflow.only("AWS::StepFunctions::StateMachine")["Properties"]
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine["TracingConfiguration"] == {"Enabled": True}


# The functions


def test_every_function_is_small_traced_and_on_the_newest_runtime(workflow: Template) -> None:
    for function in workflow.of("AWS::Lambda::Function").values():
        properties = function["Properties"]
        assert properties["Runtime"] == "python3.14"
        assert properties["Architectures"] == ["arm64"]
        assert properties["TracingConfig"] == {"Mode": "Active"}
        assert "Layers" not in properties


def test_every_setting_is_in_every_function_and_the_settings_agree(
    workflow: Template, definition: dict[str, Any]
) -> None:
    environments = [
        workflow.function(name)["Environment"]["Variables"] for name, _ in tasks(definition)
    ]
    names = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(environments[0]) == {*names, "POWERTOOLS_SERVICE_NAME"}
    logins = [one.pop("DRUGSYNC_REDIS_SECRET_ARN") for one in environments]
    assert all(one == environments[0] for one in environments)
    assert len({json.dumps(login) for login in logins}) <= 2
    plain = {name: shown(value).strip("{}") for name, value in environments[0].items()}
    assert Settings.from_environment(plain).run_bucket in plain["DRUGSYNC_RUN_BUCKET"]
    assert len(json.dumps(plain)) < 4096


def test_secrets_are_in_the_environment_by_arn_only(workflow: Template) -> None:
    text = json.dumps(workflow.resources)
    assert "resolve:secretsmanager" not in text
    assert "SecretString" not in text


def test_a_function_is_in_the_vpc_only_where_it_reaches_a_server(
    workflow: Template, definition: dict[str, Any]
) -> None:
    for name, _ in tasks(definition):
        assert ("VpcConfig" in workflow.function(name)) == (name in IN_VPC)
    assert "VpcConfig" not in workflow.function("NotifyFailure")


def test_each_function_joins_the_security_groups_of_its_servers(
    workflow: Template, definition: dict[str, Any]
) -> None:
    for name in IN_VPC:
        groups = json.dumps(workflow.function(name)["VpcConfig"]["SecurityGroupIds"])
        assert ("CatalogClients" in groups) == (name in READS_CATALOG)
        assert "IndexClients" in groups


@pytest.mark.parametrize("state", sorted(EVERY_STATE))
def test_a_role_allows_what_the_design_says_and_nothing_else(stack: Stack, state: str) -> None:
    grants = stack("created", "Workflow").grants(f"{state}Role")
    bucket = "arn:{AWS::Partition}:s3:::drug-catalog-sync-created-runs-111122223333-us-east-1"
    machine = "stateMachine:drug-catalog-sync-created"
    model = "arn:{AWS::Partition}:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0"
    expected = set()
    if state == "AcceptRun":
        arn = f"arn:{{AWS::Partition}}:states:us-east-1:111122223333:{machine}"
        expected.add(Grant("states:ListExecutions", arn))
    for file in WRITES.get(state, ()):
        expected.add(Grant("s3:PutObject", f"{bucket}/runs/*/{file}"))
    if state not in READS_NO_FILE:
        expected |= {Grant("s3:GetObject", f"{bucket}/runs/*"), Grant("s3:ListBucket", bucket)}
    if state in CALLS_MODEL:
        expected.add(Grant("bedrock:InvokeModel", model))
    secrets = {one.resource for one in grants if one.action == "secretsmanager:GetSecretValue"}
    assert any("CatalogReader" in one for one in secrets) == (state in READS_CATALOG)
    user = "RedisReadsPassword" if state in READS_INDEX else "RedisRunsPassword"
    assert any(user in one for one in secrets) == (state in IN_VPC)
    assert any("RedisCertificate" in one for one in secrets) == (state in IN_VPC)
    assert len(secrets) == (state in READS_CATALOG) + 2 * (state in IN_VPC)
    everywhere = {one.action.partition(":")[0] for one in grants if one.resource == "*"}
    assert everywhere == ({"xray", "ec2"} if state in IN_VPC else {"xray"})
    own_log = {one for one in grants if one.action.startswith("logs:")}
    assert all(one.resource == shown(_log_arn(stack, state)) for one in own_log)
    rest = {one for one in grants if one.resource != "*" and one.resource not in secrets}
    assert rest - own_log == expected


def _log_arn(stack: Stack, state: str) -> dict[str, Any]:
    logs = stack("created", "Workflow").of("AWS::Logs::LogGroup")
    (name,) = [one for one in logs if one.startswith(f"{state}Log")]
    return {"Fn::GetAtt": [name, "Arn"]}


def test_an_inference_profile_is_invoked_in_its_regions(stack: Stack) -> None:
    grants = stack("existing", "Workflow").grants("EmbedPageRole")
    found = {one for one in grants if one.action == "bedrock:InvokeModel"}
    base = "arn:{AWS::Partition}:bedrock"
    profile = f"{base}:eu-west-1:444455556666:inference-profile/eu.cohere.embed-v4:0"
    assert {one.resource for one in found} == {
        profile,
        f"{base}:*::foundation-model/cohere.embed-v4:0",
    }
    (model,) = [one for one in found if "foundation-model" in one.resource]
    assert "bedrock:InferenceProfileArn" in model.condition


def test_iam_authentication_needs_no_database_secret(stack: Stack) -> None:
    grants = stack("existing", "Workflow").grants("DiffPageRole")
    (login,) = [one for one in grants if one.action == "rds-db:connect"]
    user = "444455556666:dbuser:cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ/drugsync_reader"
    assert login.resource.endswith(user)
    secrets = [one.resource for one in grants if one.action == "secretsmanager:GetSecretValue"]
    assert secrets == ["arn:aws:secretsmanager:eu-west-1:444455556666:secret:pharmacy/redis-AbCdEf"]
    assert "kms:Decrypt" in {one.action for one in grants}


def test_golden_queries_are_read_by_the_verification_only(stack: Stack) -> None:
    workflow = stack("existing", "Workflow")
    for state in sorted(IN_VPC):
        reads = any(
            "golden/queries.json" in one.resource for one in workflow.grants(f"{state}Role")
        )
        assert reads == (state in {"VerifyIndex", "PublishIndex"})


# Network


def test_created_networks_have_every_endpoint_and_no_way_out(stack: Stack) -> None:
    data = stack("created", "Data")
    assert endpoints(data) == {
        "s3", "secretsmanager", "bedrock-runtime", "ec2", "logs", "monitoring",
        "ssm", "ssmmessages",
    }  # fmt: skip
    assert not data.of("AWS::EC2::NatGateway")
    assert not data.of("AWS::EC2::InternetGateway")


def test_endpoints_are_created_as_the_stage_says(stack: Stack) -> None:
    assert endpoints(stack("existing", "Data")) == {"s3", "bedrock-runtime"}
    assert endpoints(stack("mixed", "Data")) == set()


def endpoints(data: Template) -> set[str]:
    return {
        shown(one["Properties"]["ServiceName"]).replace("{AWS::Region}", "r").split(".", 3)[-1]
        for one in data.of("AWS::EC2::VPCEndpoint").values()
    }


def test_servers_are_reached_from_their_clients_only(data: Template) -> None:
    rules = [one["Properties"] for one in data.of("AWS::EC2::SecurityGroupIngress").values()]
    assert all("SourceSecurityGroupId" in rule for rule in rules)
    assert not any("CidrIp" in rule for rule in rules)
    inline = [
        rule
        for group in data.of("AWS::EC2::SecurityGroup").values()
        for rule in group["Properties"].get("SecurityGroupIngress", [])
    ]
    assert inline == []
    for port, clients in ((3306, "CatalogClients"), (6379, "IndexClients"), (6380, "IndexClients")):
        sources = {shown(r["SourceSecurityGroupId"]) for r in rules if r["FromPort"] == port}
        assert all(clients in source for source in sources)


def test_existing_servers_are_referenced_and_never_defined(stack: Stack) -> None:
    data = stack("existing", "Data")
    assert not data.of("AWS::RDS::DBCluster")
    assert not data.of("AWS::EC2::Instance")
    assert not data.of("AWS::SecretsManager::Secret")
    assert not data.of("AWS::EC2::VPC")
    targets = {
        one["Properties"]["GroupId"]: one["Properties"]["FromPort"]
        for one in data.of("AWS::EC2::SecurityGroupIngress").values()
        if isinstance(one["Properties"]["GroupId"], str)
    }
    assert targets == {"sg-0a1b2c3d4e5f60001": 3306, "sg-0a1b2c3d4e5f60002": 6380}


# Data


def test_what_holds_data_is_retained(data: Template) -> None:
    kinds = {
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
        "AWS::RDS::DBCluster",
        "AWS::EC2::Volume",
    }
    kept = [one for one in data.resources.values() if one["Type"] in kinds]
    assert len(kept) >= 2
    assert all(one["DeletionPolicy"] == "RetainExceptOnCreate" for one in kept)
    assert all(one["UpdateReplacePolicy"] == "Retain" for one in kept)


def test_the_workflow_stack_holds_no_data(workflow: Template) -> None:
    kinds = {one["Type"] for one in workflow.resources.values()}
    assert not kinds & {"AWS::S3::Bucket", "AWS::RDS::DBCluster", "AWS::EC2::Instance"}
    assert not kinds & {"AWS::SecretsManager::Secret", "AWS::EC2::SecurityGroup"}


def test_the_run_bucket_keeps_runs_for_thirty_days_and_is_private(data: Template) -> None:
    (bucket,) = [
        one["Properties"]
        for one in data.of("AWS::S3::Bucket").values()
        if "BucketName" in one["Properties"]
    ]
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert {"ExpirationInDays": 30, "Prefix": "runs/", "Status": "Enabled"} in rules
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert "BucketEncryption" in bucket


def test_the_created_cluster_is_encrypted_audited_and_requires_tls(stack: Stack) -> None:
    data = stack("created", "Data")
    cluster = data.only("AWS::RDS::DBCluster")["Properties"]
    assert cluster["StorageEncrypted"] is True
    assert cluster["EnableIAMDatabaseAuthentication"] is True
    assert cluster["EnableHttpEndpoint"] is False
    assert "audit" in cluster["EnableCloudwatchLogsExports"]
    group = data.only("AWS::RDS::DBClusterParameterGroup")["Properties"]
    assert group["Parameters"]["require_secure_transport"] == "ON"
    assert group["Parameters"]["server_audit_logging"] == "1"
    assert "CONNECT" in group["Parameters"]["server_audit_events"]


def test_the_parameter_group_is_of_the_engines_family(stack: Stack) -> None:
    data = stack("created", "Data")
    version = data.only("AWS::RDS::DBCluster")["Properties"]["EngineVersion"]
    family = data.only("AWS::RDS::DBClusterParameterGroup")["Properties"]["Family"]
    assert family == f"aurora-mysql{'.'.join(version.split('.')[:2])}"


def test_generated_database_passwords_hold_nothing_that_aurora_refuses(stack: Stack) -> None:
    for one in stack("created", "Data").of("AWS::SecretsManager::Secret").values():
        generated = one["Properties"]["GenerateSecretString"]
        excluded = set(generated.get("ExcludeCharacters", ""))
        assert set('/"@ ') <= excluded or generated["ExcludePunctuation"]


def test_the_created_redis_is_private_and_its_metadata_is_near(stack: Stack) -> None:
    for name in ("created", "mixed"):
        properties = stack(name, "Data").only("AWS::EC2::Instance")["Properties"]
        assert "KeyName" not in properties
        (interface,) = properties["NetworkInterfaces"]
        assert interface["AssociatePublicIpAddress"] is False
        assert properties["MetadataOptions"] == {
            "HttpPutResponseHopLimit": 1,
            "HttpTokens": "required",
        }
        assert all(one["Ebs"]["Encrypted"] for one in properties["BlockDeviceMappings"])


def test_the_data_of_redis_is_on_a_volume_of_its_own_with_daily_snapshots(stack: Stack) -> None:
    data = stack("created", "Data")
    volume = data.only("AWS::EC2::Volume")
    assert volume["Properties"]["Encrypted"] is True
    tags = {one["Key"]: one["Value"] for one in volume["Properties"]["Tags"]}
    policy = data.only("AWS::DLM::LifecyclePolicy")["Properties"]["PolicyDetails"]
    assert all(tags[one["Key"]] == one["Value"] for one in policy["TargetTags"])
    (schedule,) = policy["Schedules"]
    assert schedule["CreateRule"]["Interval"] == 24
    assert schedule["RetainRule"] == {"Count": 7}


def test_a_deployment_waits_until_redis_answers_as_it_must(stack: Stack) -> None:
    data = stack("created", "Data")
    applied, rotated = (one["Properties"] for one in data.of("AWS::SSM::Association").values())
    assert applied["WaitForSuccessTimeoutSeconds"] == 15 * 60
    assert applied["Parameters"]["Action"] == ["apply"]
    assert rotated["Parameters"]["Action"] == ["rotate"]
    assert rotated["ApplyOnlyAtCronInterval"] is True
    content = data.only("AWS::SSM::Document")["Properties"]["Content"]
    script = "".join(shown(line) for line in content["mainSteps"][0]["inputs"]["runCommand"])
    assert script.endswith("bash /root/install.sh {{ Action }}")
    assert script.count("{{") == 1
    assert len(json.dumps(content)) < 64_000


def test_the_redis_host_may_touch_its_own_things_only(stack: Stack) -> None:
    grants = stack("created", "Data").grants("RedisHostRole")
    packages = "arn:{AWS::Partition}:s3:::packages-of-the-team/redis-8.2.9.aarch64.rpm"
    assert {one.resource for one in grants if one.action == "s3:GetObject"} == {packages}
    everywhere = {one.action for one in grants if one.resource == "*"}
    assert {one.partition(":")[0] for one in everywhere} == {
        *("ssm", "ssmmessages", "ec2messages", "cloudwatch", "ec2"),
    }
    assert {one for one in everywhere if one.startswith("ec2:")} == {
        *("ec2:DescribeInstances", "ec2:DescribeVolumes"),
    }
    of_instances = [one for one in grants if one.resource.endswith(":instance/*")]
    assert all('"aws:ResourceTag/stage": "created"' in one.condition for one in of_instances)
    secrets = {one.resource for one in grants if one.action == "secretsmanager:PutSecretValue"}
    assert len(secrets) == len(USERS) + 2
    assert all(one.startswith("{Redis") for one in secrets)


# Running it


def test_the_schedule_starts_a_plain_sync_in_its_time_zone(workflow: Template) -> None:
    schedule = workflow.only("AWS::Scheduler::Schedule")["Properties"]
    assert schedule["Target"]["Input"] == "{}"
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    assert schedule["FlexibleTimeWindow"]["Mode"] == "FLEXIBLE"
    assert "DeadLetterConfig" in schedule["Target"]


def test_failures_of_this_machine_only_reach_the_notifier(workflow: Template) -> None:
    rule = workflow.only("AWS::Events::Rule")["Properties"]
    detail = rule["EventPattern"]["detail"]
    assert detail["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    (machine,) = detail["stateMachineArn"]
    assert ":stateMachine:drug-catalog-sync-" in shown(machine)
    assert "DeadLetterConfig" in rule["Targets"][0]


def test_the_notifier_may_look_up_runs_write_one_file_and_publish(stack: Stack) -> None:
    grants = stack("created", "Workflow").grants("FailuresRole")
    arn = "arn:{AWS::Partition}:states:us-east-1:111122223333"
    name = "drug-catalog-sync-created"
    executions, children = f"{arn}:execution:{name}:*", f"{arn}:execution:{name}/*:*"
    bucket = f"arn:{{AWS::Partition}}:s3:::{name}-runs-111122223333-us-east-1"
    found = {one for one in grants if one.action.partition(":")[0] in {"states", "s3"}}
    assert found == {
        Grant("states:DescribeExecution", executions),
        Grant("states:DescribeExecution", children),
        Grant("states:GetExecutionHistory", executions),
        Grant("states:ListMapRuns", executions),
        Grant("states:ListExecutions", f"{arn}:mapRun:{name}/*:*"),
        Grant("s3:PutObject", f"{bucket}/runs/*/failure.json"),
    }


def test_everybody_named_is_told(stack: Stack) -> None:
    topics = stack("existing", "Workflow").of("AWS::SNS::Subscription").values()
    assert {one["Properties"]["Endpoint"] for one in topics} == {
        "oncall@example.com",
        "platform@example.com",
    }


def test_the_alarms_are_those_that_are_documented(workflow: Template) -> None:
    alarms = {
        one["Properties"]["AlarmName"].rpartition("-")[2]: one["Properties"]
        for one in workflow.of("AWS::CloudWatch::Alarm").values()
    }
    others = {
        *("SearchErrors", "SearchLatency", "RotationFailed"),
        *("RedisDown", "RedisDisk", "RedisHost", "RedisUpkeep", "RedisSnapshots"),
    }
    assert set(alarms) - others == {
        "RunFailed", "Unpublished", "VerificationFailed", "Throttled",
        "ScheduleDeadLetters", "FailureDeadLetters", "RedisMemory",
    }  # fmt: skip
    assert all(one["AlarmActions"] for one in alarms.values())
    assert alarms["Unpublished"]["TreatMissingData"] == "breaching"
    assert alarms["Unpublished"]["EvaluationPeriods"] == 26
    assert "IndexStillBuilding" not in json.dumps(alarms)


def test_the_dashboard_shows_every_figure_of_a_run(workflow: Template) -> None:
    board = shown(workflow.only("AWS::CloudWatch::Dashboard")["Properties"]["DashboardBody"])
    for name in (
        "catalog_rows",
        "added",
        "changed",
        "removed",
        "texts_embedded",
        "texts_reused",
        "tokens",
    ):
        assert f'"{name}"' in board
