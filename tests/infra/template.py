"""Reading a synthesized template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

Resource = dict[str, Any]


class Grant(NamedTuple):
    """One allowed action on one resource, as text; `condition` is JSON or empty."""

    action: str
    resource: str
    condition: str = ""


class Template(NamedTuple):
    """Resources by logical id; references are shown as text."""

    resources: dict[str, Resource]
    outputs: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Template:
        found = json.loads(path.read_text())
        return cls(found["Resources"], found.get("Outputs", {}))

    def of(self, kind: str) -> dict[str, Resource]:
        """Resources of a type, by logical id."""
        return {name: one for name, one in self.resources.items() if one["Type"] == kind}

    def only(self, kind: str) -> Resource:
        """The only resource of a type."""
        (found,) = self.of(kind).values()
        return found

    def function(self, state: str) -> Resource:
        """The properties of a state's function."""
        return next(
            one["Properties"]
            for one in self.of("AWS::Lambda::Function").values()
            if one["Properties"].get("FunctionName", "").endswith(f"-{state}")
        )

    def grants(self, role: str) -> set[Grant]:
        """What every policy of a role allows; `role` is the beginning of its logical id."""
        (role_id,) = [one for one in self.of("AWS::IAM::Role") if one.startswith(role)]
        statements = [
            statement
            for policy in self.of("AWS::IAM::Policy").values()
            if {"Ref": role_id} in policy["Properties"]["Roles"]
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Allow"
        ]
        assert "ManagedPolicyArns" not in self.resources[role_id]["Properties"]
        return {
            Grant(
                action,
                shown(resource),
                json.dumps(statement["Condition"]) if "Condition" in statement else "",
            )
            for statement in statements
            for action in as_list(statement["Action"])
            for resource in as_list(statement["Resource"])
        }


def shown(value: Any) -> str:
    """A value with its references: `arn:{AWS::Partition}:s3:::...`, `{Queue.Arn}`."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict) or len(value) != 1:
        return json.dumps(value, sort_keys=True)
    ((kind, argument),) = value.items()
    if kind == "Fn::Join":
        return str(argument[0]).join(shown(one) for one in argument[1])
    if kind == "Fn::GetStackOutput":
        return f"{{{argument['OutputName']}}}"
    if kind == "Fn::GetAtt":
        return "{" + ".".join(argument) + "}"
    return "{" + shown(argument) + "}"


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
