"""Why a server did not start, in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.servers.reasons import did_not_start, why


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("InnoDB: preallocating 9 bytes for file ./ib_logfile101 failed with error 28", "no space"),
        ("Disk got full writing (Errcode: 28 'No space left on device')", "no space"),
        ("File size limit exceeded (core dumped)", "no space"),
        ("1048576 bytes should have been written. Only 100000 bytes written.", "no space"),
        ("mkdir: cannot create directory: Read-only file system", "read-only"),
        ("Can't create test file (Errcode: 13 'Permission denied')", "permission"),
        ("bind: Address already in use", "taken"),
        ("something new", ""),
        ("error 281 is another one", ""),
    ],
)
def test_a_known_reason_is_found_in_the_log(log: str, words: str) -> None:
    found = why(f"first line\n{log}\nlast line")
    assert words in found
    assert bool(words) == bool(found)


def test_a_known_reason_is_one_line_and_an_unknown_one_has_the_logs_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("No space left on device\n")
    assert "\n" not in did_not_start("Redis ended at once", log)
    log.write_text("\n".join(map(str, range(100))))
    assert did_not_start("Redis ended at once", log).count("\n") == 16
    assert did_not_start("Redis ended at once", tmp_path / "none").endswith("left no log")
