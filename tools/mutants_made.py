"""Small defects made by machine: a comparison turned, a bound moved, a statement dropped.

python -m tools.mutants_made 100 7          # a hundred of them, drawn with seed 7
python -m tools.mutants_made 50 7 verify    # fifty of the modules whose name has that word

Each is planted as those of `tools.mutants` are. What survives is a rule without a test, or code
that does nothing; EQUIVALENT has those that change nothing. The result is in docs/mutants.md.
"""

import ast
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

from tools.mutants import ROOT, check_baseline, copy_tracked, import_libraries, pass_there, write

UNIT, REDIS = "tests/unit/test_{}.py", "tests/contract/test_redis_client.py"
FAKES = "tests/contract/test_fakes.py"
MODULES = {
    "steps/diff_page": [UNIT.format("diff")],
    "steps/guards": [UNIT.format("guards"), UNIT.format("review")],
    "steps/load_page": [UNIT.format("load")],
    "steps/mend_index": [UNIT.format("verify_index")],
    "steps/plan_pages": [UNIT.format("plan")],
    "steps/prune": [UNIT.format("prune")],
    "steps/prune_index": [UNIT.format("prune")],
    "steps/publish_index": [UNIT.format("publish")],
    "steps/review_changes": [UNIT.format("review")],
    "steps/verify_index": [UNIT.format("verify_index")],
    "verify/checks": [UNIT.format("verify_checks"), UNIT.format("verify_index")],
    "verify/due": [UNIT.format("verify_index")],
    "verify/pages": [UNIT.format("verify_pages")],
    "verify/recall": [UNIT.format("recall"), UNIT.format("verify_checks")],
    "verify/removals": [UNIT.format("verify_pages"), UNIT.format("publish")],
    "verify/verdict": [UNIT.format("verify_index")],
    "adapters/redis/documents": [REDIS, FAKES],
    "adapters/redis/generations": [REDIS, FAKES],
    "adapters/redis/indexes": [REDIS, FAKES],
    "adapters/redis/keys": [REDIS, FAKES],
    "adapters/redis/texts": [REDIS, FAKES],
}
"""Below `workflow/`, and the quick tests that are to notice a defect of each."""

SHOWN = 80
EQUIVALENT: dict[str, str] = {
    "workflow/verify/pages.py: 0": "equivalent: the field is set before it is read",
}
"""`file: code` of a survivor, and why it changes nothing."""

TURNED: dict[type[ast.cmpop], str] = {
    **{ast.Eq: "!=", ast.NotEq: "==", ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">"},
    **{ast.In: "not in", ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is"},
}


class Made(NamedTuple):
    """`new` stands in the place of the characters from `start` to `end` of a file."""

    file: str
    line: int
    start: int
    end: int
    old: str
    new: str
    tests: list[str]

    def plant(self, source: str) -> str:
        return source[: self.start] + self.new + source[self.end :]

    @property
    def name(self) -> str:
        return f"{self.file}:{self.line}"


def main() -> None:
    count, seed, *words = sys.argv[1:]
    chosen = draw(int(count), int(seed), words)
    import_libraries()
    survivors: list[Made] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "copy"
        copy_tracked(copy)
        check_baseline(copy, {test for one in chosen for test in one.tests})
        for one in chosen:
            killed = _is_killed(copy, one)
            survivors += [] if killed else [one]
            print(f"{'killed' if killed else 'SURVIVED':9} {one.name}: {one.old!r} -> {one.new!r}")
            sys.stdout.flush()
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} killed")
    write(by_machine=part(chosen, survivors, " ".join(sys.argv[1:]), datetime.now(UTC)))


def part(chosen: Sequence[Made], survivors: Sequence[Made], drawn: str, now: datetime) -> str:
    """Each module with its number of defects, and each survivor."""
    killed = len(chosen) - len(survivors)
    lines = [
        f"`python -m tools.mutants_made {drawn}` on {now:%Y-%m-%d}: **{killed} of {len(chosen)} "
        f"killed, {len(survivors)} survived.** Lines are those of that day. Each is tried against "
        "the quick tests of its module alone; the tests over the whole state machine notice more.",
        "",
        "| module | drawn | killed |",
        "|---|---|---|",
    ]
    left = Counter(one.file for one in survivors)
    for file, count in sorted(Counter(one.file for one in chosen).items()):
        lines.append(f"| `{file}` | {count} | {count - left[file]} |")
    lines += ["", "| survivor | was | became | why |", "|---|---|---|---|"]
    for one in survivors:
        why = EQUIVALENT.get(f"{one.file}: {one.old}", "a rule without a quick test")
        lines.append(f"| `{one.name}` | `{_cell(one.old)}` | `{_cell(one.new)}` | {why} |")
    return "\n".join(lines) + "\n"


def _cell(code: str) -> str:
    return " ".join(code.split()).replace("|", "\\|")[:SHOWN]


def _is_killed(copy: Path, one: Made) -> bool:
    path = copy / one.file
    before = path.read_text(encoding="utf-8")
    path.write_text(one.plant(before), encoding="utf-8")
    try:
        return not pass_there(copy, one.tests)
    finally:
        path.write_text(before, encoding="utf-8")


def draw(count: int, seed: int, words: list[str]) -> list[Made]:
    """The same for the same seed and sources."""
    modules = {
        module: tests
        for module, tests in MODULES.items()
        if not words or any(word in module for word in words)
    }
    every = [made for module, tests in modules.items() for made in _of_module(module, tests)]
    return sorted(Random(seed).sample(every, min(count, len(every))))  # noqa: S311 - no secret


def _of_module(module: str, tests: list[str]) -> Iterator[Made]:
    file = f"workflow/{module}.py"
    source = (ROOT / file).read_text(encoding="utf-8")
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node, new in _defects(ast.parse(source), source):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        yield Made(file, node.lineno, start, end, source[start:end], new, tests)


def _defects(tree: ast.Module, source: str) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Constants of a module are sizes, which no rule fixes to the last digit."""
    parts = [one for one in tree.body if not isinstance(one, (ast.Assign, ast.AnnAssign))]
    for node in (node for part in parts for node in ast.walk(part)):
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                yield node, f"{_text(left, source)} {TURNED[type(op)]} {_text(right, source)}"
            case ast.BoolOp(op=op, values=values):
                other = " or " if isinstance(op, ast.And) else " and "
                yield node, f"({other.join(f'({_text(one, source)})' for one in values)})"
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield node, f"({_text(operand, source)})"
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
                sign = "-" if isinstance(op, ast.Add) else "+"
                yield node, f"({_text(left, source)} {sign} {_text(right, source)})"
            case ast.Constant(value=int(value)) if not isinstance(value, bool):
                yield node, str(value + 1)
            case ast.IfExp(body=body, orelse=orelse, test=test):
                swapped = f"{_text(orelse, source)} if {_text(test, source)}"
                yield node, f"({swapped} else {_text(body, source)})"
            case ast.Expr(value=ast.Call()) | ast.Raise() | ast.AugAssign():
                yield node, "pass"


def _text(node: ast.expr, source: str) -> str:
    return ast.get_source_segment(source, node) or ""


if __name__ == "__main__":
    main()
