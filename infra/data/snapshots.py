"""Snapshots of a volume, taken daily and kept for some days, by Data Lifecycle Manager."""

from aws_cdk import Stack, Tags
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dlm as dlm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.grants import allow
from infra.nag import acknowledge, shown

TAG = "drug-catalog-sync:snapshots"
AT = "05:00"
"""UTC: after a nightly run."""


class Snapshots(Construct):
    """Of `volume`, by a tag that no other stage's volume has.

    `completed` counts them; a policy that fails or never runs publishes nothing:
    https://docs.aws.amazon.com/ebs/latest/userguide/monitor-dlm-cw-metrics.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, volume: ec2.Volume, name: str, keep: int
    ) -> None:
        super().__init__(scope, construct_id)
        Tags.of(volume).add(TAG, name)
        policy = dlm.CfnLifecyclePolicy(
            self,
            "Policy",
            description=f"Daily snapshots of the search index of {name}",
            state="ENABLED",
            execution_role_arn=self._role(name).role_arn,
            policy_details=dlm.CfnLifecyclePolicy.PolicyDetailsProperty(
                resource_types=["VOLUME"],
                target_tags=[{"key": TAG, "value": name}],
                schedules=[
                    dlm.CfnLifecyclePolicy.ScheduleProperty(
                        name="daily",
                        copy_tags=True,
                        create_rule=dlm.CfnLifecyclePolicy.CreateRuleProperty(
                            interval=24, interval_unit="HOURS", times=[AT]
                        ),
                        retain_rule=dlm.CfnLifecyclePolicy.RetainRuleProperty(count=keep),
                    )
                ],
            ),
        )
        self.completed = cloudwatch.Metric(
            namespace="AWS/EBS",
            metric_name="SnapshotsCreateCompleted",
            dimensions_map={"DLMPolicyId": policy.ref},
            statistic="Sum",
        )

    def _role(self, name: str) -> iam.Role:
        stack = Stack.of(self)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("dlm.amazonaws.com"))
        snapshots, volumes = (
            stack.format_arn(service="ec2", account=account, resource=kind, resource_name="*")
            for kind, account in (("snapshot", ""), ("volume", None))
        )
        of_the_stage = {"StringEquals": {f"aws:ResourceTag/{TAG}": name}}
        role.add_to_policy(allow(["ec2:DescribeVolumes", "ec2:DescribeSnapshots"], "*"))
        role.add_to_policy(allow("ec2:CreateSnapshot", volumes, only=of_the_stage))
        role.add_to_policy(allow(["ec2:CreateSnapshot", "ec2:CreateTags"], snapshots))
        role.add_to_policy(allow("ec2:DeleteSnapshot", snapshots, only=of_the_stage))
        acknowledge(
            role,
            "Snapshots have no names before they exist; volumes and deletions are held to the tag",
            "IAM5[Resource::*]",
            *(f"IAM5[Resource::{shown(arn, stack)}]" for arn in (snapshots, volumes)),
        )
        return role
