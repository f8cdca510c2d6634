"""Draws README.md's picture of states, arrows and servers: python -m tools.overview."""

from collections.abc import Iterator
from pathlib import Path

from infra.compute.specs import SPECS
from tools.diagram import State, read_definition
from workflow.contract.rights import RUNS

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- drawn by python -m tools.overview; a test compares the two -->\n"
END = "<!-- end of the picture -->\n"

SHAPES = {"Task": "[{}]", "Map": "[[{}]]", "Choice": "{{{}}}", "Succeed": "(({}))"}
WORDS = {
    "reviewed": "texts left to merge",
    "mode": "verify only",
    "dry_run": "dry run",
    "embed_pages": "texts to embed",
    "load_pages": "documents to write",
    "done": "nothing left",
}
"""What a Choice asks, by the field that it looks at."""

SERVERS = {"catalog": "MySQL[(MySQL catalog)]", "model": "Bedrock[/Bedrock model/]"}
REDIS = "Redis[(Redis index)]"


def mermaid(definition: State) -> str:
    """Every state, every arrow between states, and every server that a state talks to."""
    states: dict[str, State] = definition["States"]
    lines = [f"  {name}{SHAPES[state['Type']].format(name)}" for name, state in states.items()]
    for name, state in states.items():
        lines += [f"  {name} -->{words} {target}" for words, target in _arrows(state)]
    lines += _servers(states)
    return "\n".join(["```mermaid", "flowchart TB", *lines, "```"]) + "\n"


def page(text: str, definition: State) -> str:
    """README with its picture made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{mermaid(definition)}\n{END}{after}"


def _arrows(state: State) -> Iterator[tuple[str, str]]:
    for choice in state.get("Choices", ()):
        yield f"|{WORDS[choice['Variable'].rpartition('.')[2]]}|", choice["Next"]
    if "Default" in state:
        yield "|else|", state["Default"]
    if "Next" in state:
        yield "", state["Next"]


def _servers(states: dict[str, State]) -> Iterator[str]:
    """Who reads has an arrow from the server; who writes, too, has one in both directions."""
    yield from (f"  {server}" for server in (*SERVERS.values(), REDIS))
    specs = {spec.state: spec for spec in SPECS}
    for name, state in states.items():
        function = state["ItemProcessor"]["StartAt"] if state["Type"] == "Map" else name
        spec = specs.get(function)
        if spec is None:
            continue
        for access, server in SERVERS.items():
            if access in spec.access:
                yield f"  {server.partition('[')[0]} -.-> {name}"
        if spec.uses_redis:
            yield f"  {name} <-.-> Redis" if function in RUNS.functions else f"  Redis -.-> {name}"


if __name__ == "__main__":
    README.write_text(page(README.read_text("utf-8"), read_definition()), encoding="utf-8")
