"""Servers that exist already: their URLs as settings of this machine's runs.

`settings.toml` of the home holds settings that outlive a command, one a line, as docs/settings.md
names them; DRUGSYNC_* of the environment wins. Passwords are in files of their own, for nobody else
to read: a setting can be shown.
"""

import json
import os
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from handlers.logins import mysql_options
from local.errors import LocalError
from local.places import is_there, own_only, private
from workflow.contract.errors import SettingsInvalid
from workflow.contract.settings import PREFIX, Settings

SETTINGS = "settings.toml"
IN_FILE = "file:{}"
"""How a secret setting names a file of this machine in place of one of Secrets Manager."""

OWN = "own"
"""In place of a URL: go back to this machine's own server."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
NO_RUN = {"run_bucket": "local", "catalog_table": "drugs", "redis_url": "unix:///nowhere"}
"""Settings that are required, and that reading MySQL does not need."""

NO_SERVER = {"mysql_host": "nowhere", "mysql_database": "drugs"}
"""What else is required, while other settings are judged."""

MYSQL_FORM = "mysql://USER:PASSWORD@HOST:3306/DATABASE, with ?tls=false or ?ssl_ca=FILE"
REDIS_FORM = "redis://[USER:PASSWORD@]HOST:6379, rediss:// with TLS, or unix://PATH"
MYSQL_SETTINGS = (
    *("mysql_host", "mysql_port", "mysql_socket", "mysql_database", "mysql_user"),
    *("mysql_secret_arn", "mysql_tls", "mysql_ssl_ca"),
)
REDIS_SETTINGS = ("redis_url", "redis_secret_arn")
HEAD = """# Settings of this folder's runs (docs/settings.md); DRUGSYNC_* of the environment wins.
# Written by drugsync; lines may be added by hand.
"""


def read_settings(root: Path) -> dict[str, str]:
    """Setting -> its value; empty if nothing was written. Raises LocalError."""
    path = root / SETTINGS
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalError(f"{path} is not valid TOML: {error}; correct it, or remove it") from error
    return {name: _text(value) for name, value in found.items()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def refuse_wrong(values: Mapping[str, str], called: Mapping[str, str] | None = None) -> None:
    """Settings that no function would take are refused before anything is written or started.

    `called` has other names that a person knows them by. Raises LocalError.
    """
    tried = {**NO_RUN, **NO_SERVER, **values}
    try:
        Settings.from_environment({PREFIX + name.upper(): value for name, value in tried.items()})
    except SettingsInvalid as error:
        names = {name: name for name in values} | dict(called or {})
        wrong = [f"{names[name]} {reason}" for name, reason in error.problems if name in values]
        if wrong:
            raise LocalError(f"{'; '.join(wrong)}; correct it; nothing was changed") from error


def refuse_wrong_file(root: Path) -> None:
    """As those that are written there; a variable of the environment wins. Raises LocalError."""
    found = read_settings(root)
    mine = {name: found[name] for name in found if PREFIX + name.upper() not in os.environ}
    refuse_wrong(mine, {name: f"{name} of {root / SETTINGS}" for name in mine})


@contextmanager
def kept_where_it_fails(root: Path) -> Iterator[None]:
    """The settings and logins of a home are again what they were, if what is tried with new ones
    fails."""
    files = [root / SETTINGS, *(_secret_file(root, name) for name in ("mysql", "redis"))]
    before = {path: path.read_bytes() if is_there(path) else None for path in files}
    try:
        yield
    except BaseException:
        for path, body in before.items():
            if body is None:
                path.unlink(missing_ok=True)
            else:
                _write(path, body.decode())
        raise


def save_settings(root: Path, values: Mapping[str, str], *, without: tuple[str, ...] = ()) -> Path:
    """Add these to the settings that exist, and remove those of `without`. Raises LocalError."""
    refuse_wrong(values)
    kept = {name: value for name, value in read_settings(root).items() if name not in without}
    lines = [f"{name} = {_toml(value)}" for name, value in {**kept, **values}.items()]
    path = root / SETTINGS
    _write(path, HEAD + "\n".join(lines) + "\n")
    return path


def _toml(value: str) -> str:
    """A basic string of TOML: as JSON's, but no surrogate pairs, and DEL is escaped, too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(path: Path, text: str) -> None:
    private(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(draft, "w", encoding="utf-8", opener=own_only) as file:
        file.write(text)
    draft.replace(path)


def use_mysql(root: Path, url: str) -> None:
    """The catalog's server of this home from now on; `own` is this machine's. Raises LocalError."""
    parts = _parts(url, ("mysql",), MYSQL_FORM)
    if parts is None:
        _forget(root, "mysql", MYSQL_SETTINGS)
        return
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    unknown = set(query) - {"tls", "ssl_ca", "socket"}
    if unknown or not parts.username or not parts.path.strip("/"):
        raise LocalError(f"--mysql needs user and database: {MYSQL_FORM}")
    host = parts.hostname or "127.0.0.1"
    values = {"mysql_database": unquote(parts.path.strip("/"))}
    if "socket" in query:
        values["mysql_socket"] = query["socket"]
    else:
        values |= {"mysql_host": host, "mysql_port": str(parts.port or 3306)}
        # A connection that never leaves the machine needs no certificate.
        values["mysql_tls"] = query.get("tls", str(host not in LOOPBACK)).lower()
    if "ssl_ca" in query:
        values["mysql_ssl_ca"] = str(Path(query["ssl_ca"]).resolve())
    refuse_wrong(values)
    login = _login(root, "mysql", parts)
    values |= {"mysql_secret_arn": login} if login else {"mysql_user": unquote(parts.username)}
    save_settings(root, values, without=MYSQL_SETTINGS)


def client(settings: Mapping[str, str]) -> str:
    """What an administrator of the catalog's server types to run statements in its database."""
    if "mysql_socket" in settings:
        where = ["--socket", settings["mysql_socket"]]
    else:
        where = ["--host", settings["mysql_host"], "--port", settings.get("mysql_port", "3306")]
    login = ["--user", "ADMIN", "--password", settings.get("mysql_database", "DATABASE")]
    return shlex.join(["mysql", *where, *login])


def use_redis(root: Path, url: str) -> None:
    """The index's server of this home from now on; `own` is this machine's. Raises LocalError."""
    parts = _parts(url, ("redis", "rediss", "unix"), REDIS_FORM)
    if parts is None:
        _forget(root, "redis", REDIS_SETTINGS)
        return
    if parts.query or parts.fragment:
        raise LocalError(f"--redis takes no options behind a '?': {REDIS_FORM}")
    address = parts.netloc.rpartition("@")[2]
    values = {"redis_url": f"{parts.scheme}://{address}{parts.path}"}
    refuse_wrong(values)
    login = _login(root, "redis", parts)
    values |= {"redis_secret_arn": login} if login else {}
    save_settings(root, values, without=REDIS_SETTINGS)


def _forget(root: Path, name: str, settings: tuple[str, ...]) -> None:
    save_settings(root, {}, without=settings)
    _secret_file(root, name).unlink(missing_ok=True)


def _secret_file(root: Path, name: str) -> Path:
    return (root / f"{name}_secret.json").absolute()


def _parts(url: str, schemes: tuple[str, ...], form: str) -> SplitResult | None:
    if url == OWN:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise LocalError(f"{error}; the form is {form}") from error
    if parts.scheme not in schemes or not (parts.netloc or parts.path.strip("/")):
        raise LocalError(f"this is not a {schemes[0]} URL; the form is {form}, or '{OWN}'")
    return parts


def _login(root: Path, name: str, parts: SplitResult) -> str:
    """Write user and password of a URL to a file, and return the setting. Empty without a
    password."""
    if parts.password is None:
        return ""
    path = _secret_file(root, name)
    login = {"password": unquote(parts.password)}
    if parts.username:
        login["username"] = unquote(parts.username)
    _write(path, json.dumps(login))
    return IN_FILE.format(path)


def mysql_login(root: Path) -> dict[str, Any]:
    """How the driver reaches the server that `use_mysql` wrote. Raises SettingsInvalid."""
    mine = {name: value for name, value in read_settings(root).items() if name in MYSQL_SETTINGS}
    settings = Settings.from_environment(
        {PREFIX + name.upper(): value for name, value in {**NO_RUN, **mine}.items()}
    )
    return mysql_options(settings, settings.mysql_host)
