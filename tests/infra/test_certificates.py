"""The functions' Python checks certificates strictly (RFC 5280), which began with 3.13."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from infra.stage.certificates import PEM
from infra.stage.stage import ROOT

ROOTS = PEM.findall((ROOT / "infra" / "certificates" / "rds-roots.pem").read_text())


WANTED = (
    r"X509v3 Basic Constraints: critical\s+CA:TRUE",
    r"X509v3 Key Usage: critical\s+.*Certificate Sign",
    r"X509v3 Subject Key Identifier:",
)


def lacks(path: Path) -> list[str]:
    """What a root certificate lacks by RFC 5280."""
    command = ["openssl", "x509", "-in", str(path), "-noout", "-text"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [wanted for wanted in WANTED if not re.search(wanted, text)]


def test_every_root_of_rds_is_one_that_the_functions_python_takes(tmp_path: Path) -> None:
    assert len(ROOTS) > 50
    for number, root in enumerate(ROOTS):
        path = tmp_path / f"{number}.pem"
        path.write_text(root)
        assert lacks(path) == [], root


def test_a_root_that_does_not_say_that_it_signs_is_noticed(tmp_path: Path) -> None:
    made = "-x509 -newkey rsa:2048 -nodes -subj /CN=old -keyout key -out old.pem"
    subprocess.run(["openssl", "req", *made.split()], cwd=tmp_path, check=True, capture_output=True)
    assert any("Key Usage" in wanted for wanted in lacks(tmp_path / "old.pem"))
