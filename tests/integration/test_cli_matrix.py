"""Every verb of `drugsync` in every state of its folder and its servers.

A verb that a state stops says so in one sentence with what to do, exit code 2; one that answers in
spite of it says 0 or 1. None shows a traceback, and none waits for a server longer than a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.main import get_command

from cli.app import app
from cli.verbs import Late
from local.servers.given import save_settings, use_mysql, use_redis
from local.standin.bedrock_process import stop_standin
from tests.lab import Lab
from tests.servers import CatalogTable
from tests.states import (
    NO_POWER,
    beside,
    cut,
    disk,
    fill,
    listening,
    read_only,
    take_away,
)
from tests.verbs import LINES, Said, each

MOST_S = 5.0
ALL = frozenset(LINES)
NOT_STARTED = frozenset({"info", "search", "explain", "verify", "run", "rollback", "serve"})
NO_RUN = frozenset({"status", "report", "changes", "logs", "redrive"})
ASKS = frozenset({"search", "changes", "verify", "run", "redrive", "rollback", "serve"})
"""Verbs that ask a server before they do anything."""

LOOKS = frozenset({"status", "runs", "report", "logs"})
"""Verbs that read a run's files only."""

RUNS = frozenset({"verify", "run", "redrive"})
CHANGES = frozenset({"verify", "run", "redrive", "rollback", "schedule"})
"""Called only where the state stops them: else they are runs, which have tests of their own."""

DEMO = "it has servers of its own, which none of this state's are"

Made = Callable[[Lab, Path, CatalogTable], AbstractContextManager[Path]]
Refused = Mapping[str, str]
"""Verb -> a word of its sentence."""


class State(NamedTuple):
    """`refused`: exit code 2; `found`: exit code 1, with this word in the answer; the rest is 0."""

    made: Made
    refused: Refused
    found: Refused
    before: tuple[str, ...] = ()
    without: tuple[str, ...] = ("demo",)
    """Not called here, because the state is not theirs (`DEMO`)."""


def words(verbs: frozenset[str], word: str) -> dict[str, str]:
    return dict.fromkeys(sorted(verbs), word)


NOTHING_STARTED = {
    **words(NOT_STARTED | {"catalog load", "catalog init"}, "drugsync up"),
    **words(NO_RUN, "drugsync run"),
}


@contextmanager
def well(lab: Lab, path: Path, _: CatalogTable) -> Iterator[Path]:
    with beside(lab, path / "home"):
        yield path / "home"


@contextmanager
def full(lab: Lab, path: Path, _: CatalogTable) -> Iterator[Path]:
    with disk(path / "disk") as small, beside(lab, small / "home"):
        fill(small)
        yield small / "home"


@contextmanager
def full_and_new(_lab: Lab, path: Path, _: CatalogTable) -> Iterator[Path]:
    with disk(path / "disk") as small:
        fill(small)
        yield small / "home"


@contextmanager
def closed_to_writing(lab: Lab, path: Path, _: CatalogTable) -> Iterator[Path]:
    with disk(path / "disk") as small, beside(lab, small / "home"), read_only(small):
        yield small / "home"


@contextmanager
def closed_and_new(_lab: Lab, path: Path, _: CatalogTable) -> Iterator[Path]:
    with disk(path / "disk") as small, read_only(small):
        yield small / "home"


@contextmanager
def of_another_user(lab: Lab, path: Path, _: CatalogTable) -> Iterator[Path]:
    home = path / "home"
    with beside(lab, home):
        pass
    take_away(home)
    yield home


@contextmanager
def half_written(lab: Lab, path: Path, _: CatalogTable) -> Iterator[Path]:
    with beside(lab, path / "home"):
        cut(path / "home" / "runs")
        yield path / "home"


@contextmanager
def settings_half_written(lab: Lab, path: Path, _: CatalogTable) -> Iterator[Path]:
    with beside(lab, path / "home"):
        file = path / "home" / "settings.toml"
        file.write_text(file.read_text()[:-5])
        yield path / "home"


@contextmanager
def without_the_model(lab: Lab, path: Path, _: CatalogTable) -> Iterator[Path]:
    with beside(lab, path / "home"):
        stop_standin(path / "home")
        yield path / "home"


def named(mysql: str = "", redis: str = "", answer: bytes | None = None) -> Made:
    """A home that names another server; `PORT` is one where somebody listens, and says `answer`."""

    @contextmanager
    def made(lab: Lab, path: Path, admin: CatalogTable) -> Iterator[Path]:
        home = path / "home"
        admin.execute("CREATE USER 'odd'@'localhost' IDENTIFIED BY 'right'")
        admin.execute("GRANT ALL ON drugs.* TO 'odd'@'localhost'")
        with beside(lab, home), listening(answer) as port:
            socket = lab.stack.redis.url.removeprefix("unix://")
            if mysql:
                url = mysql.replace("SOCKET", lab.stack.mysql.socket).replace("PORT", str(port))
                use_mysql(home, url)
            if redis:
                use_redis(home, redis.replace("SOCKET", socket).replace("PORT", str(port)))
            save_settings(home, lab.settings)
            yield home

    return made


def unreachable(setting: str, made: Made) -> State:
    """A server that cannot be reached is named by its setting, at once."""
    refused = {**words(ASKS, setting), "catalog load": "your own server"}
    if "mysql" in setting:
        refused["catalog init"] = "catalog's server"
    return State(made, refused, words(frozenset({"explain", "doctor", "up", "schedule"}), setting))


WEB = b"HTTP/1.1 400 Bad Request\r\n\r\n"
OWN = {"catalog load": "your own server"}
NO_SPACE, READ_ONLY, DENIED = "no space left", "read-only", "permission denied"
NO_WRITING = RUNS | {"catalog init", "up", "demo"}

STATES = {
    "nothing is wrong": State(well, OWN, {}),
    "no space left": State(
        full,
        {**words(NO_WRITING, NO_SPACE), **OWN},
        words(frozenset({"doctor", "schedule"}), NO_SPACE),
        without=(),
    ),
    "no space left, nothing started": State(
        full_and_new,
        {**NOTHING_STARTED, "up": NO_SPACE, "demo": NO_SPACE},
        words(frozenset({"doctor", "schedule"}), "drugsync up"),
        without=(),
    ),
    "read-only": State(
        closed_to_writing,
        {**words(NO_WRITING | {"down"}, READ_ONLY), **OWN},
        words(frozenset({"doctor", "schedule"}), READ_ONLY),
        without=(),
    ),
    "read-only, nothing started": State(
        closed_and_new,
        {**NOTHING_STARTED, "up": READ_ONLY, "demo": READ_ONLY},
        words(frozenset({"doctor", "schedule"}), "drugsync up"),
        without=(),
    ),
    "another user's files": State(
        of_another_user, words(ALL - {"schedule"}, DENIED), {"schedule": DENIED}, NO_POWER, ()
    ),
    "half-written files of runs": State(
        half_written, {**OWN, **words(frozenset({"report", "changes"}), "RunFileCorrupt")}, {}
    ),
    "half-written settings": State(
        settings_half_written,
        words(ALL - {*LOOKS, "schedule", "down"}, "settings.toml"),
        {"schedule": "TOML"},
    ),
    "MySQL down": unreachable(
        "mysql_socket", named(mysql="mysql://drugs@localhost/drugs?socket=/nowhere.sock")
    ),
    "MySQL silent": unreachable("mysql_host", named(mysql="mysql://drugs@127.0.0.1:PORT/drugs")),
    "MySQL at a wrong port": unreachable(
        "mysql_host", named(mysql="mysql://drugs@127.0.0.1:PORT/drugs", answer=WEB)
    ),
    "Redis down": unreachable("redis_url", named(redis="unix:///nowhere.sock")),
    "Redis silent": unreachable("redis_url", named(redis="redis://127.0.0.1:PORT")),
    "Redis at a wrong port": unreachable(
        "redis_url", named(redis="redis://127.0.0.1:PORT", answer=WEB)
    ),
    "MySQL with a wrong password": State(
        named(mysql="mysql://odd:wrong@localhost/drugs?socket=SOCKET"),
        {**OWN, "catalog init": "password is wrong"},
        words(frozenset({"doctor", "up", "explain"}), "CatalogAccessDenied"),
    ),
    "MySQL with a wrong database": State(
        named(mysql="mysql://odd:right@localhost/nowhere?socket=SOCKET"),
        {**OWN, "catalog init": "nowhere"},
        words(frozenset({"doctor", "up", "explain"}), "nowhere"),
    ),
    "Redis with a wrong password": State(
        named(redis="unix://nobody:wrong@SOCKET"),
        {**OWN, **words(frozenset({"search", "changes", "rollback"}), "IndexAccessDenied")},
        words(frozenset({"doctor", "up", "explain"}), "IndexAccessDenied"),
    ),
    "no Bedrock stand-in": State(
        without_the_model,
        words(NOT_STARTED - {"explain"} | {"catalog load", "changes", "redrive"}, "drugsync up"),
        words(frozenset({"doctor", "schedule"}), "drugsync up"),
    ),
}


def test_every_verb_has_its_line() -> None:
    found = set()
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert isinstance(command, Late)
        inner = getattr(command.itself, "commands", None)
        found |= {f"{name} {one}" for one in inner} if inner else {name}
    assert found == ALL


def judged(state: State, said: Said) -> None:
    said.assert_no_defect()
    if word := state.refused.get(said.verb):
        said.assert_a_sentence(word)
    elif word := state.found.get(said.verb):
        assert said.code == 1, said
        assert word.lower() in said.out.lower(), said
    elif said.verb == "serve":
        assert (said.code, "Ctrl-C ends it" in said.out) == (130, True), said
    else:
        # The newest run of these homes did not succeed.
        failed = said.verb == "status" and ("FAILED" in said.out or "ABORTED" in said.out)
        assert said.code == failed, said


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", STATES)
def test_each_verb_says_what_is_wrong_and_what_to_do(
    name: str, synced: Lab, tmp_path: Path, admin: CatalogTable
) -> None:
    state = STATES[name]
    stopped = {*state.refused, *state.found}
    left_out = {*state.without, *(CHANGES - stopped)}
    verbs = [verb for verb in LINES if verb not in left_out]
    with state.made(synced, tmp_path, admin) as home:
        answers = each(home, verbs, before=state.before)
    assert list(answers) == verbs
    wrong = []
    for said in answers.values():
        try:
            judged(state, said)
            # `up` waits for the standby that it starts, whatever the servers do.
            if said.verb in stopped - {"up"}:
                said.assert_at_once(MOST_S)
        except AssertionError:
            wrong.append(said)
    assert not wrong, "\n".join(map(str, wrong))
