"""Which versions of Redis are refused, by branch."""

import pytest

from tests.redis_versions import VERSIONS
from workflow.contract.redis_versions import ADVISORIES, OLDEST_SAFE, refusal_of


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_is_compared_within_its_branch(version: str) -> None:
    assert (not refusal_of(version)) == VERSIONS[version]


def test_a_version_of_a_newer_branch_can_be_older_in_advisories() -> None:
    assert refusal_of("8.6.1") == (
        "Redis 8.6.1 lets an attacker run code (CVE-2026-81934, CVE-2026-23479, CVE-2026-25243, "
        "CVE-2026-23631); use 8.2.9, 8.4.6, 8.6.6, 8.8.2 or 8.10.1 or a newer one of its branch"
    )
    assert "(CVE-2026-81934);" in refusal_of("8.6.3")
    assert "(CVE-2026-81934);" in refusal_of("8.8.1")


def test_the_oldest_safe_versions_have_every_fix() -> None:
    for advisory in ADVISORIES:
        branches = [one.rpartition(".")[0] for one in advisory.fixed_in]
        assert len(set(branches)) == len(branches)
    assert not any(map(refusal_of, OLDEST_SAFE))


@pytest.mark.parametrize("version", ["", "unknown", "v8", "8"])
def test_what_names_no_version_is_not_judged(version: str) -> None:
    assert refusal_of(version) == ""


def test_a_number_of_any_length_is_no_error() -> None:
    assert refusal_of("9" * 100_000) == ""
    assert refusal_of("8.2." + "9" * 100_000) == ""
