"""What doctor looks at on AWS, from the outside in: account, stack, machine, runs, functions."""

from collections.abc import Callable

from cli.documents import RunView
from cli.sites.aws_errors import explained
from cli.sites.aws_quota import room_for_a_run
from cli.sites.aws_search import SMOKE, answered, closed
from cli.sites.aws_stage import FIRST, MACHINE, SEARCH_URL, AwsStage
from cli.sites.site import SiteError
from workflow.contract.sizes import Widest
from workflow.operate.doctor import Finding


def examine(stage: AwsStage, runs: Callable[[int], list[RunView]]) -> list[Finding]:
    """Every check, or those before the first without which nothing else can be asked."""
    found = []
    for check, look in (
        ("credentials", lambda: _account(stage)),
        ("workflow stack", lambda: f"{len(stage.outputs)} outputs: {', '.join(stage.outputs)}"),
        ("state machine", lambda: _machine(stage)),
        ("newest run", lambda: _newest(stage, runs(1))),
    ):
        one = _look(check, look)
        found.append(one)
        if not one.ok and check in ("credentials", "workflow stack"):
            return found
    try:
        answer = stage.ask("doctor")
    except SiteError as error:
        found.append(Finding(check="operator function", ok=False, found=str(error)))
    else:
        found += [*answer.findings, *_room(stage, answer.widest)]
    return [*found, *_searches(stage)]


def _account(stage: AwsStage) -> str:
    with explained():
        caller = stage.client("sts", **FIRST).get_caller_identity()
    return f"{caller['Arn']} in {stage.region}"


def _machine(stage: AwsStage) -> str:
    with explained():
        found = stage.sfn.describe_state_machine(stateMachineArn=stage.output(MACHINE))
    return f"{found['name']} is {found.get('status', 'ACTIVE')}"


def _newest(stage: AwsStage, newest: list[RunView]) -> str:
    if not newest:
        return f"none yet; start one with: drugsync run{stage.options}"
    view = newest[0]
    if view.status in ("FAILED", "TIMED_OUT", "ABORTED"):
        raise SiteError(
            f"{view.run_id} is {view.status}; see why: drugsync status {view.run_id}{stage.options}"
        )
    return f"{view.run_id}: {view.status}, started {view.started_at:%Y-%m-%d %H:%M} UTC"


def _room(stage: AwsStage, widest: Widest | None) -> list[Finding]:
    """None where another version's function answered."""
    if widest is None:
        return []
    client = stage.client("lambda")
    return [_look("Lambda's quota", lambda: room_for_a_run(client, widest))]


def _searches(stage: AwsStage) -> list[Finding]:
    """None where the stage has no search API."""
    if SEARCH_URL not in stage.outputs:
        return []
    return [
        _look("search", lambda: answered(stage.search({"q": SMOKE}))),
        _look("search address", lambda: closed(stage.output(SEARCH_URL))),
    ]


def _look(check: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(check=check, ok=True, found=look())
    except SiteError as error:
        found, _, advice = str(error).partition("; ")
        return Finding(check=check, ok=False, found=found, advice=advice)
