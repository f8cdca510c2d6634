"""One statement of a policy."""

from collections.abc import Mapping

from aws_cdk import aws_iam as iam


def allow(
    actions: str | list[str], *resources: str, only: Mapping[str, object] | None = None
) -> iam.PolicyStatement:
    """`only` is the statement's condition."""
    return iam.PolicyStatement(
        actions=[actions] if isinstance(actions, str) else actions,
        resources=list(resources),
        conditions=only,
    )
