"""No command of the documents has a verb, option, target or parameter that does not exist."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import typer
from botocore import xform_name

from cli.verbs import VERBS, Late
from tests.runbook import DOCUMENTS, ROOT, Command, commands

EVERY = [one for path in DOCUMENTS for one in commands(path)]
SHELL = {
    *("curl", "awscurl", "sha256sum", "export", "cp", "npx", "eval", "sql", "git", "cd", "python3"),
    *("redis-cli", "systemctl", "journalctl", "kill", "dnf"),
}
"""Programs that are not ours and not AWS's: what they are given is not judged here."""

AWS_OF_THE_CLI = {
    *(("s3", "cp"), ("s3", "rb"), ("s3", "sync")),
    *(("configure", "export-credentials"), ("rds", "wait")),
}
GLOBAL = {"--query", "--output", "--region", "--profile", "--no-cli-pager"}


def of(program: str) -> list[Command]:
    return [one for one in EVERY if one.program == program]


def test_the_pages_have_commands_and_all_of_their_programs_are_known() -> None:
    assert len(EVERY) > 100
    assert {one.program for one in EVERY} - SHELL == {"drugsync", "make", "aws", "python"}


@pytest.mark.parametrize("command", of("drugsync"), ids=str)
def test_the_command_line_takes_it(command: Command) -> None:
    verb, *rest = command.words[1:]
    if verb.startswith("-"):
        assert verb in ("--help", "-h", "--version", "--install-completion")
        return
    assert verb in VERBS, command
    late = Late(verb, VERBS[verb]).itself
    if hasattr(late, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in late.commands, command
        late, rest = late.commands[rest[0]], rest[1:]
    if rest == []:
        return  # named in a sentence, without what it needs
    try:
        late.make_context(verb, [as_written(word) for word in rest])
    except typer.Exit:
        return  # --help
    except Exception as error:
        # An option named in a sentence stands without its value.
        if f"Option '{rest[-1]}' requires" not in str(error):
            raise


def as_written(word: str) -> str:
    """What stands for a number in a sentence."""
    return "8080" if word in ("PORT", "N") else word


@pytest.mark.parametrize("command", of("make"), ids=str)
def test_the_makefile_has_the_target(command: Command) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [word for word in command.words[1:] if "=" not in word and not word.startswith("-")]
    assert targets, command
    for target in targets:
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), command


@pytest.mark.parametrize("command", of("python"), ids=str)
def test_the_module_is_there(command: Command) -> None:
    assert command.words[1] == "-m", command
    assert importlib.util.find_spec(command.words[2]), command


@pytest.fixture(scope="module")
def models() -> Any:
    """AWS's own descriptions of its services."""
    return botocore.session.get_session()


@pytest.mark.parametrize("command", of("aws"), ids=str)
def test_aws_has_the_operation_and_its_parameters(command: Command, models: Any) -> None:
    service, operation, *rest = command.words[1:]
    if (service, operation) in AWS_OF_THE_CLI:
        return
    model = models.get_service_model(service)
    names = {xform_name(name).replace("_", "-"): name for name in model.operation_names}
    assert operation in names, command
    shape = model.operation_model(names[operation]).input_shape
    known = {f"--{xform_name(name).replace('_', '-')}": name for name in shape.members}
    flags = {f"--no-{name[2:]}" for name in known} | set(known) | GLOBAL
    given = {word.partition("=")[0] for word in rest if word.startswith("--")}
    assert given <= flags, command
    if rest:
        required = {flag for flag, name in known.items() if name in shape.required_members}
        assert required <= given, command


def test_a_command_that_does_not_exist_would_be_seen(tmp_path: Path, models: Any) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Then `drugsync runn`.\n```sh\ndrugsync status --wach\nmake dmeo   # all\n"
        "aws ec2 delete-volumes --volume-id V && drugsync runs --limit x > runs.txt\n```\n"
    )
    found = commands(page)
    assert [one.words[:2] for one in found] == [
        *(("drugsync", "status"), ("make", "dmeo"), ("aws", "ec2"), ("drugsync", "runs")),
        ("drugsync", "runn"),
    ]
    for command, test in zip(
        found,
        (
            test_the_command_line_takes_it,
            test_the_makefile_has_the_target,
            lambda one: test_aws_has_the_operation_and_its_parameters(one, models),
            test_the_command_line_takes_it,
            test_the_command_line_takes_it,
        ),
        strict=True,
    ):
        with pytest.raises((AssertionError, typer.BadParameter, Exception)):
            test(command)


KNOWN_TO_ALL = {"ACCOUNT", "REGION", "STAGE", "YOUR-PACKAGES", "ALARM", "ERROR"}
"""Of the account, the reader's own, or a word of a log."""


def test_a_page_says_where_each_name_of_an_aws_command_is_found() -> None:
    words = {part for one in of("aws") for word in one.words for part in re.split("[=,]", word)}
    names = {one for one in words if re.fullmatch(r"[A-Z]+(-[A-Z]+)*", one)} - KNOWN_TO_ALL
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    table = page.partition("## Finding a name")[2].partition("\n## ")[0]
    assert {"INSTANCE", "VOLUME", "ROTATE"} <= names
    assert {one for one in names if f"`{one}`" not in table} == set()
