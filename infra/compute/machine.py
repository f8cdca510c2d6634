"""The state machine: `statemachine.asl.json` as it is, with the functions put in."""

from collections.abc import Mapping

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.compute.functions import delivered_log_group
from infra.data.data_stack import RUNS
from infra.grants import allow
from infra.nag import acknowledge, shown
from infra.stage.stage import ROOT

DEFINITION = ROOT / "statemachine.asl.json"


def machine_arn(stack: Stack, name: str) -> str:
    """Built from the name, because a reference from a function or the machine's role would be
    circular."""
    return _arn(stack, "stateMachine", name)


def execution_arns(stack: Stack, name: str) -> tuple[str, str]:
    """The machine's executions, and the children of its Maps (`execution:NAME/LABEL:ID`)."""
    return _arn(stack, "execution", f"{name}:*"), _arn(stack, "execution", f"{name}/*:*")


def map_run_arns(stack: Stack, name: str) -> str:
    """The runs of the machine's distributed Maps."""
    return _arn(stack, "mapRun", f"{name}/*:*")


class Machine(Construct):
    """`machine`, which may call its functions, read its manifests and run its own children."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        functions: Mapping[str, lambda_.Function],
        run_bucket: s3.IBucket,
        log_retention_days: int,
        kms_key_arn: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._name = name
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        manifests = run_bucket.arn_for_objects(f"{RUNS}*.json")
        statements = self._statements(functions, manifests)
        if kms_key_arn:
            statements.append(allow("kms:Decrypt", kms_key_arn))
        policy = iam.Policy(self, "Work", roles=[self.role], statements=statements)
        log = delivered_log_group(self, f"states/{name}", log_retention_days)
        self.machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=name,
            definition_body=sfn.DefinitionBody.from_string(DEFINITION.read_text()),
            definition_substitutions={
                state: function.function_arn for state, function in functions.items()
            },
            role=self.role,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=log, level=sfn.LogLevel.ALL, include_execution_data=False
            ),
        )
        self.machine.node.add_dependency(policy)
        self._accept_findings(run_bucket)

    def _statements(
        self, functions: Mapping[str, lambda_.Function], manifests: str
    ) -> list[iam.PolicyStatement]:
        """A distributed Map starts, watches, stops and redrives executions of its own machine."""
        stack = Stack.of(self)
        executions, children = execution_arns(stack, self._name)
        return [
            allow("lambda:InvokeFunction", *(one.function_arn for one in functions.values())),
            allow("s3:GetObject", manifests),
            allow("states:StartExecution", machine_arn(stack, self._name)),
            allow(["states:DescribeExecution", "states:StopExecution"], executions),
            allow("states:RedriveExecution", children),
        ]

    def _accept_findings(self, run_bucket: s3.IBucket) -> None:
        stack = Stack.of(self)
        manifests = run_bucket.arn_for_objects(f"{RUNS}*.json")
        arns = [*execution_arns(stack, self._name), manifests]
        acknowledge(
            self,
            "Executions and manifests are named by the run; log delivery and X-Ray have no "
            "resources to name",
            "IAM5[Resource::*]",
            *(f"IAM5[Resource::{shown(arn, stack)}]" for arn in arns),
        )


def _arn(stack: Stack, resource: str, name: str) -> str:
    return stack.format_arn(
        service="states",
        resource=resource,
        resource_name=name,
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
