"""Ask for known vulnerabilities of the pinned dependencies: python -m tools.audit.

Exit status 0: each of them was asked about, and none has one. 1: one is known, or one was left out,
or the answer is not understood. 3: nobody could be asked, so that nothing is known.

An audit that did not happen is never one that found nothing: pip-audit by itself ends with 0 where
it could look up no package.
"""

import json
import subprocess
import sys
from typing import Any, NamedTuple

from infra.stage.stage import ROOT

FOUND, UNKNOWN = 1, 3
AWAY = ("ConnectionError", "Max retries", "ServiceError", "Connection refused", "timed out")
"""What pip-audit says, in place of an answer, where the database is out of reach."""


class Verdict(NamedTuple):
    status: int
    lines: tuple[str, ...]


def verdict(answer: str, errors: str) -> Verdict:
    """What pip-audit's JSON and its error lines come to."""
    try:
        asked = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        if not answer.strip() and any(word in errors for word in AWAY):
            return Verdict(UNKNOWN, ("NOT AUDITED: the advisory database could not be asked",))
        return Verdict(FOUND, (f"NOT AUDITED: pip-audit failed: {errors.strip()}",))
    found = [_line(one, fault) for one in asked for fault in one.get("vulns", ())]
    left_out = [f"NOT AUDITED: {one['skip_reason']}" for one in asked if "skip_reason" in one]
    if len(left_out) == len(asked):
        return Verdict(UNKNOWN, (f"NOT AUDITED: no answer about any of {len(asked)} packages",))
    lines = (*found, *left_out) or (f"{len(asked)} packages, no known vulnerability",)
    return Verdict(FOUND if found or left_out else 0, lines)


def _line(package: dict[str, Any], fault: dict[str, Any]) -> str:
    fixed = ", ".join(fault.get("fix_versions", ())) or "no version yet"
    return f"{package['name']} {package['version']}: {fault['id']}, fixed in {fixed}"


def main() -> None:
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--format", "json"]
    command += ["--progress-spinner", "off", "-r", str(ROOT / "constraints.txt")]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    status, lines = verdict(asked.stdout, asked.stderr)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.exit(status)


if __name__ == "__main__":
    main()
