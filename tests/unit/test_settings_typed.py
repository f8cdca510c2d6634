"""What a person types for the settings of this machine is judged before it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.app import main
from cli.failures import sentence
from local.errors import LocalError
from local.places import HOME_VARIABLE
from local.servers.given import kept_where_it_fails, read_settings, use_redis

BEFORE = "redis://:right@cache.example:6379"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One that names a server with a password."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    use_redis(tmp_path, BEFORE)
    return tmp_path


def files(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.iterdir()}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("up --redis redis://u:p@127.0.0.1:6379/3", "redis_url must be"),
        ("up --mysql mysql://u:p@h/drugs?tls=maybe", "mysql_tls must be"),
        ("catalog init drugs --template {drug_name", "--template '{drug_name'"),
        ("catalog init drugs --template {nosuch}", "--template {nosuch} is not a column"),
        ("catalog init drugs --template none-of-them", "--template names no column"),
        ("catalog init drugs.csv --view a;b", "--view must be"),
        ("catalog init drugs --mysql mysql://u:p@127.0.0.1:1/x", "does not answer"),
    ],
)
def test_a_wrong_one_is_one_sentence_and_changes_nothing(
    home: Path,
    line: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = files(home)
    monkeypatch.setattr("sys.argv", ["drugsync", *line.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1), said
    assert words in said
    assert files(home) == before


@pytest.mark.parametrize(
    ("line", "flag"),
    [
        ("catalog load --source drugs.csv --rows 5", "--rows"),
        ("catalog load --pad-keys", "--pad-keys"),
        ("catalog load --source fda --delimiter ;", "--delimiter"),
        ("catalog init drugs --encoding cp1252", "--encoding"),
        ("catalog init drugs.csv --view other", "--view"),
    ],
)
def test_an_option_that_would_change_nothing_is_wrong_usage(
    line: str, flag: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["drugsync", *line.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert (ended.value.code, f"Invalid value for {flag}: leave it out" in said) == (2, True), said


def test_a_wrong_line_of_the_file_is_named_before_any_server_starts(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "settings.toml"
    file.write_text(file.read_text() + "page_sise = 5\n")
    monkeypatch.setattr("sys.argv", ["drugsync", "up"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert f"page_sise of {file} is not a setting" in capsys.readouterr().err
    assert {path.name for path in home.iterdir()} == {"settings.toml", "redis_secret.json"}


def test_what_fails_leaves_the_settings_and_logins_as_they_were(home: Path) -> None:
    before = files(home)

    def in_vain() -> None:
        with kept_where_it_fails(home):
            use_redis(home, "redis://:other@elsewhere:6379")
            raise LocalError("it did not answer")

    with pytest.raises(LocalError, match="did not answer"):
        in_vain()
    assert files(home) == before
    with kept_where_it_fails(home):
        use_redis(home, "redis://:other@elsewhere:6379")
    assert read_settings(home)["redis_url"] == "redis://elsewhere:6379"


def test_a_folder_in_the_place_of_a_file_and_any_other_error_say_what_to_do() -> None:
    folder, unknown = IsADirectoryError(21, "Is a directory", "a b"), OSError(5, "I/O error", "a b")
    assert "move it" in sentence(folder)
    assert sentence(unknown) == "a b: i/o error; look at it with: ls -ld 'a b'"
