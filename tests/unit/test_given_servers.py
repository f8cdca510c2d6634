"""URLs of servers that exist already, as settings."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.errors import LocalError
from local.servers.given import mysql_login, read_settings, save_settings, use_mysql, use_redis


def test_a_password_is_in_a_file_of_its_own_and_in_no_setting(tmp_path: Path) -> None:
    use_mysql(tmp_path, "mysql://reader:p%40ss@db.example:3307/drugs?ssl_ca=ca.pem")
    found = read_settings(tmp_path)
    secret = tmp_path / "mysql_secret.json"
    assert found == {
        "mysql_host": "db.example",
        "mysql_port": "3307",
        "mysql_database": "drugs",
        "mysql_tls": "true",
        "mysql_ssl_ca": str(Path("ca.pem").resolve()),
        "mysql_secret_arn": f"file:{secret}",
    }
    assert json.loads(secret.read_text()) == {"username": "reader", "password": "p@ss"}
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert mysql_login(tmp_path)["password"] == "p@ss"


def test_what_stays_on_the_machine_needs_no_certificate(tmp_path: Path) -> None:
    use_mysql(tmp_path, "mysql://reader@127.0.0.1/drugs")
    assert mysql_login(tmp_path)["ssl_disabled"]
    use_mysql(tmp_path, "mysql://reader@/drugs?socket=/run/mysqld.sock")
    assert mysql_login(tmp_path)["unix_socket"] == "/run/mysqld.sock"


@pytest.mark.parametrize(
    ("url", "setting"),
    [
        ("redis://:secret@cache.example:6380", "redis://cache.example:6380"),
        ("rediss://user:secret@cache.example", "rediss://cache.example"),
    ],
)
def test_a_redis_url_is_kept_without_its_password(tmp_path: Path, url: str, setting: str) -> None:
    use_redis(tmp_path, url)
    assert read_settings(tmp_path)["redis_url"] == setting
    assert json.loads((tmp_path / "redis_secret.json").read_text())["password"] == "secret"


def test_own_servers_come_back_and_their_passwords_go(tmp_path: Path) -> None:
    save_settings(tmp_path, {"index_algorithm": "FLAT"})
    use_mysql(tmp_path, "mysql://reader:secret@127.0.0.1/drugs")
    use_redis(tmp_path, "unix:///run/redis.sock")
    use_mysql(tmp_path, "own")
    use_redis(tmp_path, "own")
    assert read_settings(tmp_path) == {"index_algorithm": "FLAT"}
    assert not (tmp_path / "mysql_secret.json").exists()


WRONG = {
    "no url": "drugs",
    "another scheme": "postgres://reader@db/drugs",
    "no user": "mysql://db/drugs",
    "no database": "mysql://reader@db",
    "a wrong port": "mysql://reader@db:99999/drugs",
    "an unknown option": "mysql://reader@db/drugs?ssl=1",
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_url_is_refused_with_the_form_and_changes_nothing(
    tmp_path: Path, case: str
) -> None:
    with pytest.raises(LocalError, match="mysql://USER:PASSWORD@HOST:3306/DATABASE"):
        use_mysql(tmp_path, WRONG[case])
    assert read_settings(tmp_path) == {}


def test_a_redis_url_with_options_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"no options behind a '\?'"):
        use_redis(tmp_path, "redis://cache?db=1")


def test_settings_that_are_no_toml_are_named(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("index_algorithm = FLAT\n")
    with pytest.raises(
        LocalError, match=r"settings.toml is not valid TOML.*correct it, or remove it"
    ):
        read_settings(tmp_path)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_value_is_read_as_it_was_saved(value: str) -> None:
    """Also one that ends a string of TOML, or has a letter that JSON writes as a pair."""
    template = "{drug_name}" + value.replace("{", "").replace("}", "")
    with TemporaryDirectory() as folder:
        save_settings(Path(folder), {"embedding_template": template, "mysql_host": "db"})
        found = {"embedding_template": template, "mysql_host": "db"}
        assert read_settings(Path(folder)) == found
