"""The servers of this machine: start, stop, and where they are."""

from typing import Annotated, Any, Literal

import typer

from cli.documents import MySQLServer, Servers, Stopped
from cli.options import AsJson
from cli.show.terminal import console, print_json
from local.places import demo_home, home
from local.servers import stack as stacks

Embedder = Annotated[
    Literal["minilm", "hash"],
    typer.Option(help="Behind the Bedrock stand-in: the MiniLM model, or fast made-up vectors."),
]


def up(embedder: Embedder = "minilm", as_json: AsJson = False) -> None:
    """Start MariaDB (or MySQL), Redis with vector search and the Bedrock stand-in."""
    out = console(stderr=as_json)
    with out.status("starting") as status:
        stack = stacks.up(home(), lambda part: status.update(f"starting {part}"), embedder=embedder)
    if as_json:
        print_json(servers_of(stack))
    else:
        out.say("MariaDB or MySQL, Redis with vector search and the Bedrock stand-in are running")


def down(as_json: AsJson = False) -> None:
    """Stop what [bold]up[/] and [bold]demo[/] started, and nothing else. Data are kept."""
    stopped = (*stacks.down(home()), *(f"{name} (demo)" for name in stacks.down(demo_home())))
    if as_json:
        print_json(Stopped(stopped=stopped))
    elif stopped:
        console().say("stopped {}", ", ".join(stopped))
    else:
        console().say("nothing was running")


def info(as_json: AsJson = False) -> None:
    """Where the servers are, and the settings that the functions get."""
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
    """What another program needs to look into the servers."""
    mysql = stack.mysql
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
        settings=stack.settings().model_dump(mode="json"),
    )
