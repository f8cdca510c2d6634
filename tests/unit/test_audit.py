"""An audit's result: findings always fail it, and no answer never passes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.audit import verdict

SOUND = {"name": "redis", "version": "7.0.0", "vulns": []}
FAULT = {"id": "PYSEC-2026-1", "fix_versions": ["7.0.1"], "aliases": ["CVE-2026-1"]}
FAULTY = {"name": "redis", "version": "7.0.0", "vulns": [FAULT]}
SKIPPED = {"name": "moto", "skip_reason": "Dependency not found on PyPI: moto (5.1)"}
OFFLINE = "ERROR:pip_audit._cli:Could not connect: ConnectionError(... Max retries exceeded)"


def answer(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": list(dependencies), "fixes": []})


@pytest.mark.parametrize(
    ("given", "errors", "status", "words"),
    [
        (answer(SOUND, SOUND), "", 0, "2 packages, no known vulnerability"),
        (answer(SOUND, FAULTY), "", 1, "redis 7.0.0: PYSEC-2026-1, fixed in 7.0.1"),
        (answer(FAULTY, SKIPPED), OFFLINE, 1, "redis 7.0.0: PYSEC-2026-1"),
        (answer(SKIPPED, FAULTY), "could not be audited", 1, "redis 7.0.0: PYSEC-2026-1"),
        (answer(SOUND, SKIPPED), "", 1, "NOT AUDITED: Dependency not found on PyPI: moto"),
        (answer(SKIPPED, SKIPPED), "", 3, "NOT AUDITED: no answer about any of 2"),
        ("", OFFLINE, 3, "NOT AUDITED: the advisory database could not be asked"),
        ("", "No module named pip_audit", 1, "No module named pip_audit"),
        ("Found 1 known vulnerability", OFFLINE, 1, "NOT AUDITED"),
        ("[]", "", 1, "NOT AUDITED"),
        (answer(), "", 3, "NOT AUDITED"),
    ],
)
def test_only_where_nobody_could_be_asked_the_audit_is_tolerated(
    given: str, errors: str, status: int, words: str
) -> None:
    found = verdict(given, errors)
    assert found.status == status
    assert words in "\n".join(found.lines)
