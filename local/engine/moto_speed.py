"""Does once what moto repeats for each Task: a run of few pages takes half the time.

As local/engine/engine.py, which uses it, this reaches into private parts of moto, pinned exactly.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any
from unittest import mock

from botocore.awsrequest import AWSPreparedRequest
from botocore.loaders import JSONFileLoader
from moto.core.base_backend import BaseBackend
from moto.core.botocore_stubber import BotocoreStubber
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import (
    resource_eval_s3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils import json_path

_parse_path = lru_cache(maxsize=256)(json_path.parse)
"""Parsed JSONPaths have no state; PLY builds its tables for each."""

_parse_definition = AmazonStateLanguageParser.parse

_load_model = JSONFileLoader().load_file

_answer = BotocoreStubber.__call__

_urls = BaseBackend.urls.fget

HERE = "http://127.0.0.1:"
FUNCTIONS = "/2015-03-31/functions/"


@contextmanager
def faster_moto() -> Iterator[None]:
    """Share clients, service models, syntax trees and JSONPaths while the block runs."""
    build = _shared(lambda_eval_utils.boto_client_for)
    with ExitStack() as stack:
        for module in (lambda_eval_utils, resource_eval_s3):
            stack.enter_context(mock.patch.object(module, "boto_client_for", build))
        stack.enter_context(mock.patch.object(AmazonStateLanguageParser, "parse", _parse))
        stack.enter_context(mock.patch.object(json_path, "parse", _parse_path))
        stack.enter_context(mock.patch.object(JSONFileLoader, "load_file", _model))
        stack.enter_context(mock.patch.object(BotocoreStubber, "__call__", _answer_if_mocked))
        stack.enter_context(mock.patch.object(BaseBackend, "urls", property(_urls_once)))
        yield


def _shared(build: Callable[..., Any]) -> Callable[..., Any]:
    """One client per service for all Tasks: building one takes 20 ms, and threads may share it."""
    clients: dict[tuple[str, str], Any] = {}
    lock = threading.Lock()

    def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        with lock:
            if (region, service) not in clients:
                clients[region, service] = build(region, service, state_credentials)
            return clients[region, service]

    return client_for


@lru_cache(maxsize=64)
def _read_model(path: str) -> Any:
    return _load_model(path)


def _model(_: JSONFileLoader, file_path: str) -> Any:
    """Sessions share a service's model, as clients do; each mock has its own session."""
    return _read_model(file_path)


def _answer_if_mocked(stubber: BotocoreStubber, request: AWSPreparedRequest, **facts: Any) -> Any:
    """Not what others answer: the Bedrock stand-in of this machine, and the engine for Lambda.

    botocore asks every answerer and takes the first answer; moto would match a thousand URLs.
    """
    if request.url.startswith(HERE) or FUNCTIONS in request.url:
        return None
    return _answer(stubber, request=request, **facts)


_known_urls: dict[type[BaseBackend], Any] = {}


def _urls_once(backend: BaseBackend) -> Any:
    """The same for all backends of a service; S3's reads its module again for each request."""
    kind = type(backend)
    if kind not in _known_urls:
        _known_urls[kind] = _urls(backend)
    return _known_urls[kind]


@lru_cache(maxsize=4)
def _tree(definition: str) -> Any:
    return _parse_definition(definition)[1]


def _parse(definition: str) -> tuple[Any, Any]:
    """The syntax tree is read only; the program made of it holds an execution's state."""
    tree = _tree(definition)
    return Preprocessor().visit(tree), tree
