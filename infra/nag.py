"""Accepted findings of cdk-nag, each beside its construct, with its reason."""

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, reason: str, *findings: str) -> None:
    """Accept findings (`RuleId` or `RuleId[FindingId]`) on a construct and everything below it."""
    rules = [Acknowledgment(id=f"AwsSolutions-{finding}", reason=reason) for finding in findings]
    Validations.of(construct).acknowledge(*rules)


def shown(arn: str, stack: Stack) -> str:
    """An ARN as cdk-nag writes it in a finding."""
    return arn.replace(stack.partition, "<AWS::Partition>")
