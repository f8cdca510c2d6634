"""The servers of this machine: start, stop, and where they are."""

from typing import Annotated, Any, Literal

import typer

from cli.documents import MySQLServer, Servers, Stopped
from cli.options import AsJson
from cli.show.show_ops import show_findings
from cli.show.terminal import Out, console, print_json
from cli.sites.stopping import leaving
from cli.standby import process as standby
from local.engine.runs import holder
from local.errors import LocalError
from local.places import demo_home, home
from local.servers import given
from local.servers import stack as stacks
from workflow.contract.settings import Settings

FIRST_RUN = ("live index", "settings fit the index", "golden queries")
"""Checks that hold after the first run only."""

STAYS = "what has started keeps running; continue with drugsync up, or end it with drugsync down"
"""After Ctrl-C."""

Embedder = Annotated[
    Literal["minilm", "hash"],
    typer.Option(help="Behind the Bedrock stand-in: the MiniLM model, or fast made-up vectors."),
]


MySQLUrl = Annotated[
    str | None,
    typer.Option(
        "--mysql",
        metavar="URL",
        help=(
            "Read the catalog from an existing server: mysql://USER:PASSWORD@HOST/DATABASE, with "
            "?tls=false or ?ssl_ca=FILE; 'own' returns to the local server."
        ),
    ),
]
RedisUrl = Annotated[
    str | None,
    typer.Option(
        "--redis",
        metavar="URL",
        help=(
            "Keep the index on an existing server: redis://, rediss:// or unix://; 'own' returns "
            "to the local server."
        ),
    ),
]


def up(
    embedder: Embedder = "minilm",
    mysql: MySQLUrl = None,
    redis: RedisUrl = None,
    as_json: AsJson = False,
) -> None:
    """Start MariaDB (or MySQL), Redis with vector search and the Bedrock stand-in.

    With --mysql or --redis, an existing server is checked and used instead from now on.
    """
    out = console(stderr=as_json)
    if mysql is not None:
        given.use_mysql(home(), mysql)
    if redis is not None:
        given.use_redis(home(), redis)
    # A wrong setting is named now, not after the servers' start.
    given.refuse_wrong_file(home())
    with out.status("starting") as status, standby.beside(home()), leaving(out, lambda: STAYS):
        stack = stacks.up(home(), lambda part: status.update(f"starting {part}"), embedder=embedder)
        status.update("starting the standby")
    if as_json:
        print_json(servers_of(stack))
    else:
        _say_servers(out, stack)
    if not (stack.mysql.pid and stack.redis.pid):
        _examine(out)
    elif not as_json:
        _say_next(out, stack)


def _say_servers(out: Out, stack: stacks.Stack) -> None:
    ours = [stack.mysql.version] if stack.mysql.pid else []
    ours += ["Redis with vector search"] if stack.redis.pid else []
    out.say("running: {}", ", ".join([*ours, "the Bedrock stand-in"]))
    if not stack.mysql.pid:
        out.say("used: your MySQL at {}", stack.mysql.socket)
    if not stack.redis.pid:
        out.say("used: your Redis at {}", stack.redis.url)


def _say_next(out: Out, stack: stacks.Stack) -> None:
    from cli.sites.first_steps import next_step
    from cli.sites.local_site import LocalSite

    has_runs = bool(LocalSite(home()).runs(1))
    out.say("next: [bold]{}[/]", next_step(stack, has_runs=has_runs))


def _examine(out: Out) -> None:
    """Say what a run would stumble over on servers that are not ours."""
    from cli.sites.local_site import LocalSite

    found = [one for one in LocalSite(home()).doctor() if one.check not in FIRST_RUN]
    show_findings(out, found)
    out.say("map your tables to a catalog: drugsync catalog init; then: drugsync run --dry-run")
    if not all(one.ok for one in found):
        raise typer.Exit(1)


def down(as_json: AsJson = False) -> None:
    """Stop only what [bold]up[/] and [bold]demo[/] started. Data is kept.

    Not while a run is in progress: it would wait for its servers.
    """
    for root in (home(), demo_home()):
        if under_way := holder(root):
            raise LocalError(
                f"{under_way} is in progress on {root}; stop it with Ctrl-C in its terminal, or "
                "wait until it ends, then: drugsync down"
            )
    helper = ("standby",) if standby.stop(home()) else ()
    ours = (*helper, *stacks.down(home()))
    stopped = (*ours, *(f"{name} (demo)" for name in stacks.down(demo_home())))
    if as_json:
        print_json(Stopped(stopped=stopped))
    elif stopped:
        console().say("stopped {}", ", ".join(stopped))
    else:
        console().say("nothing was running")


def info(as_json: AsJson = False) -> None:
    """Show where the servers are, and the settings that the functions get."""
    found = servers_of(stacks.running(home()))
    if as_json:
        print_json(found)
        return
    facts: dict[str, Any] = found.model_dump()
    parts = {"mysql": facts.pop("mysql"), "settings": facts.pop("settings")}
    for part, values in {"servers": facts, **parts}.items():
        console().say("[bold]{}[/]", part)
        for name, value in values.items():
            console().say("  {} = {}", name, value)


def servers_of(stack: stacks.Stack) -> Servers:
    """What another program needs to connect to the servers."""
    from local.engine.runner import golden_queries, golden_setting

    mysql = stack.mysql
    environment = stack.environment(**golden_setting(golden_queries(stack)))
    return Servers(
        home=str(stack.root),
        mysql=MySQLServer(
            version=mysql.version,
            socket=mysql.socket,
            user=mysql.user,
            database=mysql.database,
        ),
        redis_url=stack.redis.url,
        redis_version=stack.redis.version,
        bedrock_endpoint=stack.bedrock.endpoint,
        settings=Settings.from_environment(environment).model_dump(mode="json"),
    )
