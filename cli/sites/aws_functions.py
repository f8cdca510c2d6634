"""Calls of a stage's functions from the terminal."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError

from cli.show.terminal import console
from cli.sites.aws_errors import explained
from cli.sites.site import SiteError
from workflow.contract.retries import SLEPT

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

TIMEOUT_S = 905
"""A function runs for 15 minutes at most; asking twice would do it twice."""


def call(client: "LambdaClient", function: str, payload: Mapping[str, Any]) -> Any:
    """What it answers. One that slept did nothing yet: it is waited for, and called once more.

    Raises SiteError with the name and the words of what it raised.
    """
    with explained():
        try:
            return _call(client, function, payload)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in SLEPT:
                raise
    console(stderr=True).say("{}: waiting for its network ({}), a minute or two", function, code)
    still = (
        f"{function} has no network yet ({code}); nothing was done; try again in two minutes, "
        f"then check its state: aws lambda get-function-configuration --function-name " + function
    )
    with explained(dict.fromkeys(SLEPT, still)):
        try:
            client.get_waiter("function_active").wait(FunctionName=function)
        except WaiterError as error:
            raise SiteError(still) from error
        return _call(client, function, payload)


def _call(client: "LambdaClient", function: str, payload: Mapping[str, Any]) -> Any:
    answer = client.invoke(FunctionName=function, Payload=json.dumps(payload))
    body = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        name, message = body.get("errorType", "error"), body.get("errorMessage", "")
        raise SiteError(f"{name}: {message}")
    return body
