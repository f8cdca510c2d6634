"""One stage on AWS, found by the outputs of its CloudFormation stack: its clients and functions."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config

from cli.sites.aws_errors import explained
from cli.sites.aws_functions import TIMEOUT_S, call
from cli.sites.aws_search import Asked, found_by, search_event
from cli.sites.site import SiteError
from local.engine.runs import run_id_of
from workflow.adapters.s3.run_store import S3RunStore
from workflow.operate.operate import OperatorAnswer
from workflow.search.shown import DrugsFound

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

PREFIX = "drug-catalog-sync"
STACK = PREFIX + "-{}-workflow"
MACHINE, BUCKET, OPERATOR = "StateMachineArn", "RunBucket", "OperatorFunction"
SEARCH, SEARCH_URL = "SearchFunction", "SearchUrl"
CONNECT_S = 2
FIRST: dict[str, Any] = {"read_timeout": 4, "retries": {"total_max_attempts": 1}}
"""Of the first call to AWS: a person without a network, or with a wrong region, hears of it."""


class AwsStage:
    """One stage in one account and region."""

    def __init__(self, stage: str, session: "Session") -> None:
        self.stage = stage
        self._session = session
        self.options = f" --stage {stage}"

    @property
    def region(self) -> str:
        return self._session.region_name

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The workflow stack's outputs. Raises SiteError if there is no such stack."""
        name = STACK.format(self.stage)
        hint = (
            f"there is no stack {name} in {self.region}; deploy it with "
            f"'make deploy STAGE={self.stage}', or name another --stage, --profile or --region"
        )
        with explained({"ValidationError": hint}):
            client = self.client("cloudformation", **FIRST)
            found = client.describe_stacks(StackName=name)["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}

    def output(self, name: str) -> str:
        if name not in self.outputs:
            raise SiteError(
                f"stack {STACK.format(self.stage)} has no output {name}; it was deployed by "
                f"another version; run 'make deploy STAGE={self.stage}'"
            )
        return self.outputs[name]

    def client(self, service: Any, **options: Any) -> Any:
        with explained():
            config = Config(**{"connect_timeout": CONNECT_S} | options)
            return self._session.client(service, config=config)

    @cached_property
    def sfn(self) -> "SFNClient":
        return cast("SFNClient", self.client("stepfunctions"))

    @cached_property
    def store(self) -> S3RunStore:
        client = cast("S3Client", self.client("s3"))
        return S3RunStore(client, self.output(BUCKET))

    def ask(self, action: str, **more: Any) -> OperatorAnswer:
        """Of the operators' function, inside the VPC."""
        payload = {"action": action, "run_id": run_id_of(action), **more}
        return OperatorAnswer.model_validate(self._call(OPERATOR, payload))

    def search(self, asked: Asked) -> DrugsFound:
        """What the stage's own search function answers. Raises SiteError with its problem."""
        return found_by(self._call(SEARCH, search_event(asked)))

    def _call(self, output: str, payload: dict[str, Any]) -> Any:
        once = {"total_max_attempts": 1}
        client = self.client("lambda", read_timeout=TIMEOUT_S, retries=once)
        return call(client, self.output(output), payload)
