"""Verbs with `--stage` where AWS cannot be reached as this machine is set up: a sentence, soon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.states import listening
from tests.verbs import Said, each

STAGED = ("status", "runs", "report", "changes", "logs", "explain", "verify", "run", "rollback")
MOST_S = 5.0
NO_NETWORK = "check the network, its proxy and --region"
KEYS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
NOWHERE = "http://127.0.0.1:1"
ENVIRONS = {
    "no region": ({**KEYS, "AWS_DEFAULT_REGION": ""}, "no AWS region; add --region"),
    "no such profile": ({**KEYS, "AWS_PROFILE": "nobody"}, "aws configure list-profiles"),
    "nobody listens": ({**KEYS, "AWS_ENDPOINT_URL": NOWHERE}, NO_NETWORK),
    "nobody answers": ({**KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:PORT"}, NO_NETWORK),
}


@pytest.fixture(scope="module")
def silent() -> Iterator[int]:
    with listening(None) as port:
        yield port


def said_by(case: str, home: Path, silent: int, verbs: tuple[str, ...]) -> dict[str, Said]:
    environ = {name: one.replace("PORT", str(silent)) for name, one in ENVIRONS[case][0].items()}
    nothing = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": str(home / "none")}
    return each(
        home, verbs, environ={"DRUGSYNC_STAGE": "prod", **nothing, **environ}, without=(*KEYS,)
    )


@pytest.mark.parametrize("case", ENVIRONS)
def test_a_verb_with_a_stage_says_what_is_wrong_with_the_way_to_aws(
    case: str, tmp_path: Path, silent: int
) -> None:
    verbs = STAGED if case != "nobody answers" else ("status", "run")
    for said in said_by(case, tmp_path, silent, verbs).values():
        said.assert_no_defect()
        said.assert_a_sentence(ENVIRONS[case][1])
        said.assert_at_once(MOST_S)


def test_the_doctor_finds_it(tmp_path: Path, silent: int) -> None:
    said = said_by("nobody listens", tmp_path, silent, ("doctor",))["doctor"]
    assert said.code == 1
    assert said.out.startswith("✗ credentials")
    assert NO_NETWORK in said.out


def test_a_proxy_that_answers_itself_is_not_taken_for_aws(tmp_path: Path) -> None:
    page = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\noops"
    with listening(page) as port:
        environ = {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        said = each(tmp_path, ("status",), environ={"DRUGSYNC_STAGE": "prod", **environ})["status"]
    said.assert_no_defect()
    said.assert_a_sentence("what answered is not AWS", NO_NETWORK)
