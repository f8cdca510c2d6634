"""Errors of AWS's SDK, as one line that says what to do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.parsers import ResponseParserError

from cli.sites.site import SiteError

EXPIRED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
NETWORK = "check the network, its proxy and --region"
SIGN_IN = "sign in ('aws sso login', or new keys), or name another --profile"


@contextmanager
def explained(hints: Mapping[str, str] | None = None) -> Iterator[None]:
    """Raise SiteError instead; `hints` are messages by AWS's error code; `{message}` is AWS's."""
    try:
        yield
    except ClientError as error:
        raise SiteError(_client(error, hints or {})) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise SiteError(f"no AWS credentials: {error}; {SIGN_IN}") from error
    except (SSOTokenLoadError, TokenRetrievalError, UnauthorizedSSOTokenError) as error:
        raise SiteError(f"the AWS session ended: {error}; {SIGN_IN}") from error
    except ProfileNotFound as error:
        raise SiteError(f"{error}; list them with 'aws configure list-profiles'") from error
    except NoRegionError as error:
        raise SiteError("no AWS region; add --region, or set one in the profile") from error
    except EndpointConnectionError as error:
        raise SiteError(f"{error}; {NETWORK}") from error
    except BotoCoreError as error:
        raise SiteError(f"AWS did not answer: {error}; {NETWORK}") from error
    except ResponseParserError as error:
        raise SiteError(f"what answered is not AWS; {NETWORK}") from error


def _client(error: ClientError, hints: Mapping[str, str]) -> str:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    if code in hints:
        return hints[code].replace("{message}", message)
    if code in EXPIRED:
        return f"AWS refused the credentials ({code}): {message}; {SIGN_IN}"
    if code in DENIED:
        return (
            f"not allowed: {message or code}; ask for the permissions of an operator "
            "(docs/decisions/operator-function.md)"
        )
    return f"{error.operation_name}: {code}: {message}"
