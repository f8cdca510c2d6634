"""What CloudFormation does between two templates, as far as templates tell."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.infra.template import Template

NAMES = {
    "AWS::ApiGatewayV2::Api": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::EC2::LaunchTemplate": "LaunchTemplateName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
    "AWS::RDS::DBClusterParameterGroup": "DBClusterParameterGroupName",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::Route53::HostedZone": "Name",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Document": "Name",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
"""The property that fixes a resource's name in its account."""

REPLACING = {
    "AWS::ApiGatewayV2::Api": {"ProtocolType"},
    "AWS::EC2::Instance": {
        *("ImageId", "SubnetId", "AvailabilityZone", "NetworkInterfaces", "BlockDeviceMappings"),
        *("KeyName", "PrivateIpAddress"),
    },
    "AWS::EC2::Volume": {"SnapshotId", "AvailabilityZone", "Encrypted", "KmsKeyId"},
    "AWS::Lambda::Function": {"FunctionName", "PackageType"},
    "AWS::Logs::LogGroup": {"LogGroupName"},
    "AWS::RDS::DBCluster": {
        *("DatabaseName", "MasterUsername", "StorageEncrypted", "KmsKeyId", "EngineMode"),
        *("DBSubnetGroupName", "SnapshotIdentifier", "DBClusterIdentifier"),
    },
    "AWS::S3::Bucket": {"BucketName"},
    "AWS::SecretsManager::Secret": {"Name"},
    "AWS::StepFunctions::StateMachine": {"StateMachineName", "StateMachineType"},
}
"""Properties whose change is another resource, from the resource reference of CloudFormation."""

HOLDS_DATA = {
    *("AWS::S3::Bucket", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::EC2::Volume"),
    "AWS::SecretsManager::Secret",
}


class Difference(NamedTuple):
    """Logical ids; `changed` has the properties that differ."""

    added: set[str]
    removed: set[str]
    changed: dict[str, set[str]]
    replaced: set[str]


def difference(before: Template, after: Template) -> Difference:
    both = before.resources.keys() & after.resources.keys()
    changed = {name: _differ(before.resources[name], after.resources[name]) for name in both}
    return Difference(
        added=set(after.resources) - set(before.resources),
        removed=set(before.resources) - set(after.resources),
        changed={name: properties for name, properties in changed.items() if properties},
        replaced={
            name
            for name, properties in changed.items()
            if properties & REPLACING.get(before.resources[name]["Type"], set())
        },
    )


def fixed_names(template: Template) -> dict[tuple[str, str], str]:
    """Type and name of each resource that has one, and its logical id."""
    found = {}
    for logical_id, resource in template.resources.items():
        name = resource.get("Properties", {}).get(NAMES.get(resource["Type"], ""))
        if isinstance(name, str):
            found[resource["Type"], name] = logical_id
    return found


def kinds(template: Template, names: set[str]) -> set[str]:
    return {template.resources[name]["Type"] for name in names}


def _differ(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    first, second = before.get("Properties", {}), after.get("Properties", {})
    return {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}
