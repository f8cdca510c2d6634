"""The settings of a run on this machine: those of the caller win."""

from pathlib import Path

import pytest

from local.servers.servers import MySQLServer, RedisServer
from local.servers.stack import Stack
from local.standin.bedrock_process import StandinProcess
from workflow.contract.errors import SettingsInvalid


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    mysql = MySQLServer(1, "MariaDB", "/mysql.sock", "drugs", "drugs")
    redis = RedisServer(2, "unix:///redis.sock")
    return Stack(tmp_path, mysql, redis, StandinProcess(3, "http://127.0.0.1:1", "hash"))


def test_the_stand_in_has_no_quota_so_no_run_waits_for_one(stack: Stack) -> None:
    assert stack.settings().tokens_per_minute >= 100 * 300_000


def test_a_quota_that_is_asked_for_is_kept(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRUGSYNC_TOKENS_PER_MINUTE", "120000")
    assert stack.settings().tokens_per_minute == 120_000


def test_a_wrong_setting_is_named_with_where_it_is_written(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = stack.root / "settings.toml"
    file.write_text('redis_hots = "x"\nload_concurrency = 0\ndiff_concurrency = "many"\n')
    monkeypatch.setenv("DRUGSYNC_DIFF_CONCURRENCY", "none at all")
    with pytest.raises(SettingsInvalid) as refused:
        stack.settings()
    said = str(refused.value).split("; ")
    assert f"redis_hots of {file} is not a setting" in said
    assert any(one.startswith(f"load_concurrency of {file} must be a whole number") for one in said)
    assert any(one.startswith("DRUGSYNC_DIFF_CONCURRENCY must be a whole") for one in said)
