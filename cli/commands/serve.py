"""`drugsync serve`: the search API and its page on this machine.

The same handler as on AWS, behind the standard library's HTTP server: for one person, on loopback.
"""

import base64
import hashlib
import re
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import typer

from cli.commands.runs_actions import Actions, Refused
from cli.commands.runs_pages import Page, RunsPages, problem
from cli.commands.serve_token import CLOSED, Token
from cli.options import Profile, Region, Stage, site_of
from cli.show.terminal import console
from cli.sites.http_event import event_of
from local.errors import LocalError
from local.places import home
from local.servers import stack as stacks

Asked = TypeVar("Asked", bound="Answer | None")

PAGE = Path(__file__).with_name("search.html")
NOTHING_ELSE = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # otherwise a form would not send its origin
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
REPORT_POLICY = f"{NOTHING_ELSE}; style-src 'unsafe-inline'"
LONGEST_FORM = 4096
DEFECT = "this page has a defect; the terminal of drugsync serve shows what it is"
HOSTS = ("localhost", "127.0.0.1", "[::1]")

Respond = Callable[[dict[str, Any], Any], dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    """The answer over HTTP."""

    status: int
    content_type: str
    body: bytes
    policy: str = NOTHING_ELSE
    headers: tuple[tuple[str, str], ...] = ()


class SearchServer(ThreadingHTTPServer):
    """The page at `/`, the API at the paths it has on AWS. One call of the handler at a time."""

    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        respond: Respond,
        runs: RunsPages | None = None,
        actions: Actions | None = None,
        token: Token | None = None,
    ) -> None:
        super().__init__(address, _Requests)
        self._respond = respond
        self._runs = runs
        self._actions = actions
        self._token = token or Token()
        self._one_at_a_time = threading.Lock()

    def answer(self, target: str, method: str = "GET", cookie: str = "") -> Answer:
        """The answer to a request: the page at `/` and below `/drug/`, else the function's."""
        path = urlsplit(target).path
        if self._runs and method in ("GET", "HEAD") and path.strip("/").split("/")[0] == "runs":
            return self._page_of_runs(self._runs, target, path, cookie)
        if method in ("GET", "HEAD") and (path == "/" or path.startswith("/drug/")):
            page = PAGE.read_text(encoding="utf-8")
            return Answer(200, "text/html; charset=utf-8", page.encode(), policy_of(page))
        with self._one_at_a_time:
            event = event_of(target, method)
            given = self._respond(event, SimpleNamespace(function_name="serve"))
        headers = {name.lower(): value for name, value in given.get("headers", {}).items()}
        content_type = headers.get("content-type", "application/json")
        return Answer(given["statusCode"], content_type, given["body"].encode())

    def _page_of_runs(self, runs: RunsPages, target: str, path: str, cookie: str) -> Answer:
        """For whoever has the token; it is taken from the address, which then loses it."""
        given = dict(parse_qsl(urlsplit(target).query)).get("token", "")
        if given and self._token.is_it(given):
            return _elsewhere("/" + path.strip("/"), ("Set-Cookie", self._token.set_cookie))
        if not self._token.let_in(cookie):
            return _shown(problem(403, CLOSED))
        return _shown(runs.answer(path))

    def act(self, target: str, body: bytes, headers: Mapping[str, str]) -> Answer | None:
        """Start what a button of the pages of runs asks for; None if there is no such button."""
        if self._actions is None or not target.startswith("/runs/"):
            return None
        try:
            return _elsewhere(self._actions.do(urlsplit(target).path, body, headers))
        except Refused as refusal:
            return _shown(problem(403, str(refusal)))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The page cancels each search that the next keystroke makes stale: not an error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _shown(page: Page) -> Answer:
    policy = REPORT_POLICY if page.inline_styles else policy_of(page.html)
    return Answer(page.status, "text/html; charset=utf-8", page.html.encode(), policy)


def _elsewhere(path: str, *headers: tuple[str, str]) -> Answer:
    return Answer(303, "text/plain", b"", headers=(("Location", path), *headers))


class _Requests(BaseHTTPRequestHandler):
    server: SearchServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        """A button of the pages of runs; else as other methods."""
        length = self.headers.get("Content-Length", "")
        if self._is_ours() and length.isdigit() and int(length) <= LONGEST_FORM:
            body, headers = self.rfile.read(int(length)), dict(self.headers)
            answer = self._answered(lambda: self.server.act(self.path, body, headers))
            if answer:
                self._send(answer)
                return
        self._no_method()

    def _no_method(self) -> None:
        """The API changes nothing. The body is not read, so the connection ends."""
        self.close_connection = True
        self._answer()

    # The names that http.server calls.
    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _no_method  # noqa: N815

    def _is_ours(self) -> bool:
        """Only under a name of this machine, so that a page of another site cannot ask through a
        browser."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        return host in HOSTS

    def _answer(self) -> None:
        if not self._is_ours():
            self.send_error(421)
            return
        cookie = self.headers.get("Cookie", "")
        self._send(self._answered(lambda: self.server.answer(self.path, self.command, cookie)))

    def _answered(self, ask: Callable[[], Asked]) -> Asked | Answer:
        """A defect is answered, too; its traceback goes to the terminal."""
        try:
            return ask()
        except Exception:
            self.server.handle_error(self.request, self.client_address)
            return _shown(problem(500, DEFECT))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in (*HEADERS.items(), *answer.headers):
            self.send_header(name, value)
        self.send_header("Content-Security-Policy", answer.policy)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Searches are not logged, because they may reveal something about a patient."""


def policy_of(page: str) -> str:
    """Only the page's own style and script run, and nothing makes markup from strings.

    A drug's name that got into the page as markup would still not run.
    """
    allowed = "; ".join(f"{tag}-src {_hashes(tag, page)}" for tag in ("style", "script"))
    return (
        f"{NOTHING_ELSE}; {allowed}; connect-src 'self'; img-src data:; form-action 'self'; "
        "require-trusted-types-for 'script'"
    )


def _hashes(tag: str, page: str) -> str:
    parts = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    digests = (hashlib.sha256(part.encode()).digest() for part in parts)
    return " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in digests)


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free port.")] = 8080,
    stage: Stage = None,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Serve the search page, its API and the pages of runs, on this machine only.

    With --stage: only the pages of that stage's runs, read with your own credentials.
    """
    site, token = site_of(stage, profile, region), Token()
    if stage is not None:
        with _server(port, _no_search, RunsPages(site), token=token) as server:
            _serve(server, token, search=False)
        return
    actions = Actions(home(), token)
    runs = RunsPages(site, actions)
    environment = stacks.ready(home()).environment()
    with stacks.functions_see(environment):
        # Imported here: handlers read the environment, and the other commands need no API.
        from handlers.search_api import handler

        with _server(port, handler, runs, actions, token) as server:
            _serve(server, token, search=True)


def _serve(server: SearchServer, token: Token, *, search: bool) -> None:
    address = f"http://127.0.0.1:{server.server_port}/"
    runs = f"{address}runs?token={token.value}"
    if search:
        console().say("{}  (Ctrl-C ends it; runs: {})", address, runs)
    else:
        console().say("{}  (Ctrl-C ends it)", runs)
    server.serve_forever()


def _no_search(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """A stage has its own API; from here only its runs are shown."""
    return {"statusCode": 404, "body": '{"title": "no search here; see /runs"}'}


def _server(
    port: int,
    respond: Respond,
    runs: RunsPages,
    actions: Actions | None = None,
    token: Token | None = None,
) -> SearchServer:
    try:
        return SearchServer(("127.0.0.1", port), respond, runs, actions, token)
    except OSError as error:
        raise LocalError(f"port {port} is in use ({error}); choose another with --port") from error
