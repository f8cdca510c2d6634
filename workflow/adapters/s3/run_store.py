"""The runs' files in S3, with boto3."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)

from workflow.contract.errors import (
    RunFileCorrupt,
    RunFileMissing,
    RunStoreAccessDenied,
    RunStoreError,
    RunStoreUnavailable,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONTENT_TYPES = {"json": "application/json", "html": "text/html; charset=utf-8"}
"""Makes a browser show a run's report instead of saving it."""

MISSING = {"NoSuchKey", "404"}
DENIED = {"AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket"}


class S3RunStore:
    """Objects of one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def write(self, key: str, body: bytes) -> None:
        kind = CONTENT_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
        with self._translated(key):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=kind)

    def read(self, key: str) -> bytes:
        """Raises RunFileMissing; RunFileCorrupt if fewer bytes came than S3 announced."""
        with self._translated(key):
            answer = self._client.get_object(Bucket=self.bucket, Key=key)
            body = answer["Body"].read()
        if len(body) != answer["ContentLength"]:
            raise RunFileCorrupt(
                f"s3://{self.bucket}/{key}: {len(body)} of {answer['ContentLength']} bytes came"
            )
        return body

    def keys(self, prefix: str) -> list[str]:
        with self._translated(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=prefix
            )
            return [one["Key"] for page in pages for one in page.get("Contents", [])]

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise self._translate(error, f"s3://{self.bucket}/{key}") from error
        except (
            BotoCoreError,
            HTTPClientError,
            IncompleteReadError,
            ResponseStreamingError,
        ) as error:
            raise RunStoreUnavailable(f"s3://{self.bucket}/{key}: {error}") from error

    def _translate(self, error: ClientError, where: str) -> RunStoreError:
        code = error.response.get("Error", {}).get("Code", "")
        if code in MISSING:
            return RunFileMissing(f"{where} is not there; start a new run")
        if code in DENIED:
            return RunStoreAccessDenied(
                f"{where}: {error}; check run_bucket and the function's role"
            )
        return RunStoreUnavailable(f"{where}: {error}")
