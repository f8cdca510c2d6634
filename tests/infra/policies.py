"""IAM's decision on one call, for the parts of policies that the templates use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from tests.infra.template import Template, as_list, shown

OPERATORS = {
    "Bool": lambda given, wanted: given == wanted,
    "StringEquals": lambda given, wanted: given == wanted,
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
    "StringLike": fnmatchcase,
    "NumericLessThan": lambda given, wanted: float(given) < float(wanted),
}


class Call(NamedTuple):
    """Who calls what on which resource; `context` is what conditions ask for."""

    principal: str
    """`events.amazonaws.com`, or `role` for one of the account's own."""
    action: str
    resource: str
    context: Mapping[str, str]


def allows(statements: list[dict[str, Any]], call: Call) -> bool:
    """A resource's policy: some statement allows it and none denies it."""
    effects = [one["Effect"] for one in statements if _applies(one, call)]
    return "Allow" in effects and "Deny" not in effects


def denies(statements: list[dict[str, Any]], call: Call) -> bool:
    return any(one["Effect"] == "Deny" and _applies(one, call) for one in statements)


def policy_of(template: Template, kind: str, field: str, logical_id: str) -> list[dict[str, Any]]:
    """Statements of the policies that name a resource (`Topics`, `Queues`, `Bucket`)."""
    return [
        statement
        for policy in template.of(kind).values()
        if {"Ref": logical_id} in as_list(policy["Properties"][field])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def _applies(statement: dict[str, Any], call: Call) -> bool:
    return (
        call.principal in _principals(statement)
        and any(fnmatchcase(call.action, one) for one in as_list(statement["Action"]))
        and any(fnmatchcase(call.resource, shown(one)) for one in as_list(statement["Resource"]))
        and all(_holds(one, call.context) for one in statement.get("Condition", {}).items())
    )


def _principals(statement: dict[str, Any]) -> Iterator[str]:
    principal = statement["Principal"]
    for kind, names in {"AWS": "*"}.items() if principal == "*" else principal.items():
        for name in as_list(names):
            if name == "*":
                yield from ("role", ANONYMOUS, *SERVICES)
            else:
                yield shown(name) if kind == "Service" else "role"


ANONYMOUS = "anonymous"
SERVICES = (
    *("cloudwatch.amazonaws.com", "events.amazonaws.com", "logging.s3.amazonaws.com"),
    *("apigateway.amazonaws.com", "sns.amazonaws.com"),
)


def _holds(condition: tuple[str, dict[str, Any]], context: Mapping[str, str]) -> bool:
    operator, wanted = condition
    return all(
        key in context
        and any(OPERATORS[operator](context[key], shown(one)) for one in as_list(values))
        for key, values in wanted.items()
    )
