"""The wheel is complete: what works in the repository works with the wheel alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("workflow", "handlers", "local", "cli")
SHIPPED = {"statemachine.asl.json", "catalogs/fda_ndc.sql", "catalogs/fda_golden_queries.json"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder but for what the wheel holds."""
    folder = tmp_path_factory.mktemp("installed")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def answer(installed: Path, code: str, **variables: str) -> str:
    """What Python prints that finds our packages in the wheel and not in the repository."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=installed.parent,
        env={**os.environ, "PYTHONPATH": str(installed), **variables},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, check=True, capture_output=True, text=True
    )
    with ZipFile(wheel) as archive:
        missing = set(listed.stdout.splitlines()) - set(archive.namelist())
    # A file that is deleted and not committed yet is still listed.
    assert {name for name in missing if (ROOT / name).exists()} == set()


def test_nothing_but_the_product_is_in_the_wheel(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        folders = {name.partition("/")[0] for name in archive.namelist()}
    assert {name for name in folders if not name.endswith(".dist-info")} == set(PACKAGES)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_what_stands_beside_the_packages_is_shipped(installed: Path, name: str) -> None:
    found = answer(installed, f"from local.places import shipped; print(shipped({name!r}))")
    assert Path(found).is_relative_to(installed)
    assert Path(found).read_bytes() == (ROOT / name).read_bytes()


def test_the_command_of_the_wheel_answers(installed: Path) -> None:
    code = "import sys; sys.argv = ['drugsync', '--version']; from cli.main import main; main()"
    assert answer(installed, code).startswith("drugsync ")


def test_an_installed_wheel_keeps_its_data_in_the_users_folder(
    installed: Path, tmp_path: Path
) -> None:
    code = "from local.places import home; print(home())"
    data = str(tmp_path / "data")
    variables = {"DRUGSYNC_HOME": "", "XDG_DATA_HOME": data}
    assert answer(installed, code, **variables) == f"{data}/drug-catalog-sync"


def test_the_repository_keeps_its_data_beside_the_code() -> None:
    code = "from local.places import home; print(home())"
    assert answer(ROOT, code, DRUGSYNC_HOME="") == str(ROOT / ".local")
