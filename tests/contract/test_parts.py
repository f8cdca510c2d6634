"""What the project is made of: its licences, a release's list of parts, and its actions."""

from __future__ import annotations

import json
import re
from importlib import metadata

import pytest
from cyclonedx.model.bom import Bom

from infra.compute.bundles import LIBRARIES
from infra.compute.pins import HASHES, PINS, read_hashes, read_pins
from infra.stage.stage import ROOT
from tools.licences import PAGE, TITLES, row
from tools.parts import NAMES, SAID_BY_HAND, parts
from tools.sbom import SHIPPED, as_json

PARTS = {part.name: part for part in parts()}


def is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


# Licences


def test_the_page_has_each_library_once_and_says_what_the_library_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for part in PARTS.values():
        rows = re.findall(rf"^\| {re.escape(part.name)} \|.*\n", text, re.MULTILINE)
        assert len(rows) == 1, part.name
        if is_installed(part.name):
            assert rows == [row(part)]


def test_every_library_has_a_licence_and_none_forbids_what_we_do() -> None:
    """Copyleft of the network in what we bring along would be a decision, not an accident."""
    for part in PARTS.values():
        if is_installed(part.name):
            assert part.licence, part.name
            assert part.name in SAID_BY_HAND or not re.search("AGPL|SSPL|RSAL|GPL", part.licence)
        if part.use == "functions":
            assert not re.search("AGPL|SSPL|RSAL", part.licence), part.name


def test_the_libraries_of_the_functions_are_their_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition(TITLES["functions"])[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| ([a-z0-9-]+) \|", table, re.MULTILINE)) - {"library"}
    assert named == {name for names in LIBRARIES.values() for name in names}


def test_no_name_of_a_licence_is_kept_that_no_library_says() -> None:
    assert set(SAID_BY_HAND) <= set(PARTS)
    assert NAMES


# The list of parts


@pytest.fixture(scope="module")
def document() -> str:
    return as_json()


def test_the_list_of_parts_is_cyclonedx_and_read_again_it_is_the_same(document: str) -> None:
    read = Bom.from_json(json.loads(document))  # type: ignore[attr-defined]
    assert json.loads(document)["specVersion"] == "1.6"
    assert {one.name for one in read.components} == {
        part.name for part in PARTS.values() if part.use in SHIPPED
    }
    read.validate()


def test_it_has_every_part_that_a_release_brings_along(document: str) -> None:
    listed = {(one["name"], one["version"]) for one in json.loads(document)["components"]}
    pins = read_pins(ROOT / PINS)
    brought = {name for name, part in PARTS.items() if part.use in SHIPPED}
    assert listed == {(name, pins[name]) for name in brought}
    assert {"boto3", "moto", "antlr4-python3-runtime", "pydantic-core"} <= brought
    assert not {"pytest", "aws-cdk-lib"} & brought


def test_the_functions_libraries_have_the_hash_that_pip_asks_for(document: str) -> None:
    found = {
        f"{one['name']}=={one['version']}": one["hashes"][0]["content"]
        for one in json.loads(document)["components"]
        if "hashes" in one
    }
    assert found == read_hashes(ROOT / HASHES)


def test_it_names_no_address_and_no_path_of_this_machine(document: str) -> None:
    text = document.replace("http://cyclonedx.org/schema", "")
    assert not re.search(r"https?://|file:|/home/|/root/|/work/|/tmp/", text)


# Actions


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda p: p.name)
def test_every_action_is_pinned_by_its_commit_and_no_job_may_write(path: object) -> None:
    text = (ROOT / ".github" / str(path)).read_text()
    used = re.findall(r"uses: (\S+)(.*)", text)
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action
    assert re.search(r"^permissions:\n  contents: read$", text, re.MULTILINE)
    assert "write-all" not in text
    assert set(re.findall(r"([\w-]+): write", text)) <= {"id-token"}
