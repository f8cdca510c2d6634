"""The search API as it is synthesized: closed to strangers, and able to read only."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from infra.compute.specs import EVERY
from infra.data.redis_users import USERS
from tests.infra.parts import require_cdk
from tests.infra.template import Grant, Template, shown
from workflow.contract.rights import READS, RUNS, SEARCHES
from workflow.contract.settings import PREFIX, Settings

require_cdk()

from infra.search.search import PATHS  # noqa: E402 - where the parts are there

Stack = Callable[[str, str], Template]
WITH_SEARCH = ("created", "existing")

with_search = pytest.mark.parametrize("name", WITH_SEARCH)


def variables(template: Template, state: str) -> dict[str, Any]:
    found: dict[str, Any] = template.function(state)["Environment"]["Variables"]
    return found


# Who may call


@with_search
def test_every_route_asks_who_calls(stack: Stack, name: str) -> None:
    workflow = stack(name, "Workflow")
    routes = [one["Properties"] for one in workflow.of("AWS::ApiGatewayV2::Route").values()]
    assert {one["RouteKey"] for one in routes} == {
        "GET /v1/drugs",
        "GET /v1/drugs/{ndc}",
        "GET /v1/drugs/{ndc}/alternatives",
        "GET /v1/health",
        "GET /v1/openapi.json",
    }
    expected = {"created": "AWS_IAM", "existing": "JWT"}[name]
    assert {one["AuthorizationType"] for one in routes} == {expected}


def test_a_route_that_is_added_later_asks_who_calls_too(stack: Stack) -> None:
    from aws_cdk import App, aws_lambda
    from aws_cdk import Stack as CdkStack
    from aws_cdk import aws_apigatewayv2 as gateway
    from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration

    from infra.search.search import SearchApi
    from infra.stage.sections.search import SearchSection

    app = App()
    scope = CdkStack(app, "Alone")
    function = aws_lambda.Function(
        scope,
        "Function",
        runtime=aws_lambda.Runtime.PYTHON_3_14,
        handler="index.handler",
        code=aws_lambda.Code.from_inline("handler = None"),
    )
    search = SearchApi(
        scope,
        "Search",
        name="search",
        settings=SearchSection(),
        function=function,
        log_retention_days=30,
    )
    search.api.add_routes(
        path="/later",
        methods=[gateway.HttpMethod.ANY],
        integration=HttpLambdaIntegration("Later", function),
    )
    found = app.synth().get_stack_by_name("Alone").template["Resources"].values()
    routes = [one["Properties"] for one in found if one["Type"] == "AWS::ApiGatewayV2::Route"]
    assert len(routes) == len(PATHS) + 1
    assert {one["AuthorizationType"] for one in routes} == {"AWS_IAM"}


def test_a_token_is_checked_for_issuer_audience_and_scope(stack: Stack) -> None:
    workflow = stack("existing", "Workflow")
    authorizer = workflow.only("AWS::ApiGatewayV2::Authorizer")["Properties"]
    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert authorizer["JwtConfiguration"] == {
        "Audience": ["drug-search"],
        "Issuer": "https://login.example.com/realms/pharmacy",
    }
    for route in workflow.of("AWS::ApiGatewayV2::Route").values():
        assert route["Properties"]["AuthorizationScopes"] == ["drugs:search"]
        assert route["Properties"]["AuthorizerId"] == {
            "Ref": next(iter(workflow.of("AWS::ApiGatewayV2::Authorizer")))
        }


@with_search
def test_only_the_api_may_invoke_the_function(stack: Stack, name: str) -> None:
    workflow = stack(name, "Workflow")
    (function,) = [
        one for one in workflow.of("AWS::Lambda::Function") if one.startswith("SearchApiFunction")
    ]
    permissions = [
        one["Properties"]
        for one in workflow.of("AWS::Lambda::Permission").values()
        if one["Properties"]["FunctionName"] == {"Fn::GetAtt": [function, "Arn"]}
    ]
    assert len(permissions) == len(PATHS)
    (api,) = workflow.of("AWS::ApiGatewayV2::Api")
    for one in permissions:
        assert one["Principal"] == "apigateway.amazonaws.com"
        assert f":{{{api}}}/*/*/" in shown(one["SourceArn"])
    assert not workflow.of("AWS::Lambda::Url")


def test_browsers_may_call_from_the_origins_that_are_named_only(stack: Stack) -> None:
    cors = stack("existing", "Workflow").only("AWS::ApiGatewayV2::Api")["Properties"][
        "CorsConfiguration"
    ]
    assert cors["AllowOrigins"] == ["https://prescribe.example.com"]
    assert cors["AllowMethods"] == ["GET"]
    assert "authorization" in cors["AllowHeaders"]
    closed = stack("created", "Workflow").only("AWS::ApiGatewayV2::Api")["Properties"]
    assert "CorsConfiguration" not in closed


def test_a_stage_without_the_table_has_no_api(stack: Stack) -> None:
    mixed = stack("mixed", "Workflow")
    kinds = {one["Type"] for one in mixed.resources.values()}
    assert not {one for one in kinds if one.startswith("AWS::ApiGateway")}
    assert "Search" not in " ".join(mixed.resources)


def test_callers_are_told_where_and_what_to_allow(stack: Stack) -> None:
    created, existing = stack("created", "Workflow"), stack("existing", "Workflow")
    (api,) = created.of("AWS::ApiGatewayV2::Api")
    arn = f"arn:{{AWS::Partition}}:execute-api:us-east-1:111122223333:{{{api}}}/*/GET/*"
    assert shown(created.outputs["SearchArn"]["Value"]) == arn
    assert "SearchUrl" in created.outputs
    assert "SearchUrl" in existing.outputs
    assert "SearchArn" not in existing.outputs


# What the function may do


def test_the_function_may_read_one_secret_and_invoke_one_model(stack: Stack) -> None:
    workflow = stack("created", "Workflow")
    grants = workflow.grants("SearchApiRole")
    model = "arn:{AWS::Partition}:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0"
    assert Grant("bedrock:InvokeModel", model) in grants
    secrets = {one.resource for one in grants if one.action == "secretsmanager:GetSecretValue"}
    assert sorted(re.findall(r"Redis[A-Z][a-z]+(?:Password)?", " ".join(secrets))) == [
        *("RedisCertificate", "RedisSearchesPassword"),
    ]
    services = {one.action.partition(":")[0] for one in grants}
    assert services == {"bedrock", "secretsmanager", "logs", "ec2", "xray"}
    everywhere = {one.action.partition(":")[0] for one in grants if one.resource == "*"}
    assert everywhere == {"ec2", "xray"}


def test_an_existing_server_is_read_by_the_user_that_the_stage_names(stack: Stack) -> None:
    workflow = stack("existing", "Workflow")
    base = "444455556666:secret:pharmacy/redis"
    grants = workflow.grants("SearchApiRole")
    (secret,) = [one.resource for one in grants if one.action == "secretsmanager:GetSecretValue"]
    assert secret.endswith(f"{base}-search-GhIjKl")
    (key,) = [one.resource for one in grants if one.action == "kms:Decrypt"]
    assert key.endswith("key/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901")
    assert variables(workflow, "SearchApi")["DRUGSYNC_REDIS_SECRET_ARN"] == secret
    others = workflow.grants("LoadPageRole")
    assert not {one for one in others if "redis-search" in one.resource}
    assert "rds-db:connect" not in {one.action for one in grants}


@with_search
def test_the_function_has_the_settings_of_the_others_but_for_its_login(
    stack: Stack, name: str
) -> None:
    workflow = stack(name, "Workflow")
    mine, theirs = variables(workflow, "SearchApi"), variables(workflow, "LoadPage")
    assert set(mine) == set(theirs) > {PREFIX + one.upper() for one in Settings.model_fields}
    differ = {one for one in mine if mine[one] != theirs[one]}
    own = {"REDIS_SECRET_ARN", "REDIS_TIMEOUT_S", "EMBEDDING_TIMEOUT_S"}
    of_mysql = {"created": "MYSQL_SECRET_ARN", "existing": "MYSQL_IAM_AUTH"}[name]
    assert differ == {PREFIX + one for one in (*own, of_mysql)}
    plain = {one: shown(value).strip("{}") for one, value in mine.items()}
    settings = Settings.from_environment(plain)
    timeout = workflow.function("SearchApi")["Timeout"]
    assert settings.redis_timeout_s + 3 * settings.embedding_timeout_s < timeout < 30


@with_search
def test_the_function_reaches_redis_and_not_mysql(stack: Stack, name: str) -> None:
    groups = shown(
        {"groups": stack(name, "Workflow").function("SearchApi")["VpcConfig"]["SecurityGroupIds"]}
    )
    assert "NetworkIndexClients" in groups
    assert "NetworkCallers" in groups
    assert "CatalogClients" not in groups


def test_its_share_of_the_account_is_reserved_where_the_stage_says_so(stack: Stack) -> None:
    function = stack("existing", "Workflow").function("SearchApi")
    assert function["ReservedConcurrentExecutions"] == 20
    assert "ReservedConcurrentExecutions" not in stack("created", "Workflow").function("SearchApi")


def test_the_created_server_gets_the_users_of_the_list(stack: Stack) -> None:
    for name in ("created", "mixed"):
        data = stack(name, "Data")
        content = data.only("AWS::SSM::Document")["Properties"]["Content"]
        script = "".join(shown(line) for line in content["mainSteps"][0]["inputs"]["runCommand"])
        for user in USERS:
            line = rf"{user.name} \{{Redis{user.secret}\w+\}} {re.escape(user.rights.rules)}['\n]"
            assert re.search(line, script), user.name
            (secret,) = [
                one["Properties"]
                for key, one in data.of("AWS::SecretsManager::Secret").items()
                if key.startswith(f"Redis{user.secret}")
            ]
            template = json.loads(secret["GenerateSecretString"]["SecretStringTemplate"])
            assert template == {"username": user.name}


def test_the_functions_log_in_as_the_users_of_the_rights() -> None:
    for rights, access in ((READS, "read index"), (RUNS, "index"), (SEARCHES, "search index")):
        assert {spec.state for spec in EVERY if access in spec.access} == set(rights.functions)


# The routes and the handler


def test_the_routes_are_those_of_the_handler() -> None:
    from handlers.search_api import ANSWERS
    from workflow.search.api import VERSION, openapi

    document = openapi()
    assert set(document["paths"]) == set(PATHS) == {f"/{VERSION}{path}" for path in ANSWERS}
    assert {method for path in document["paths"].values() for method in path} == {"get"}


@with_search
def test_the_function_gets_payloads_of_version_two(stack: Stack, name: str) -> None:
    integration = stack(name, "Workflow").only("AWS::ApiGatewayV2::Integration")["Properties"]
    assert integration["PayloadFormatVersion"] == "2.0"
    assert integration["IntegrationType"] == "AWS_PROXY"


# Watching it


@with_search
def test_calls_are_throttled_and_logged_without_what_was_asked(stack: Stack, name: str) -> None:
    workflow = stack(name, "Workflow")
    stage = workflow.only("AWS::ApiGatewayV2::Stage")["Properties"]
    limits = {"created": (20, 40), "existing": (50, 100)}[name]
    found = stage["DefaultRouteSettings"]
    assert (found["ThrottlingRateLimit"], found["ThrottlingBurstLimit"]) == limits
    assert "RouteSettings" not in stage
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert {"request_id", "route", "status", "latency_ms", "principal"} <= set(line)
    principal = {"created": "$context.identity.userArn", "existing": "claims.sub"}[name]
    assert line["principal"].endswith(principal)
    told = set(line.values())
    assert not {one for one in told if "path" in one.lower() or "query" in one.lower()}


@with_search
def test_the_access_log_is_kept_as_long_as_the_others(stack: Stack, name: str) -> None:
    workflow = stack(name, "Workflow")
    settings = workflow.only("AWS::ApiGatewayV2::Stage")["Properties"]["AccessLogSettings"]
    log = workflow.resources[settings["DestinationArn"]["Fn::GetAtt"][0]]["Properties"]
    assert log["LogGroupName"] == f"/aws/vendedlogs/apis/drug-catalog-sync-{name}-search"
    assert log["RetentionInDays"] == {"created": 90, "existing": 30}[name]


@with_search
def test_errors_and_latency_reach_the_people_who_hear_of_failed_runs(
    stack: Stack, name: str
) -> None:
    workflow = stack(name, "Workflow")
    alarms = {
        one["Properties"]["AlarmName"].rpartition("-")[2]: one["Properties"]
        for one in workflow.of("AWS::CloudWatch::Alarm").values()
    }
    share, latency_ms = {"created": (0.05, 2000), "existing": (0.01, 1500)}[name]
    errors, latency = alarms["SearchErrors"], alarms["SearchLatency"]
    assert (errors["Threshold"], latency["Threshold"]) == (share, latency_ms)
    assert errors["AlarmActions"] == latency["AlarmActions"] == alarms["RunFailed"]["AlarmActions"]
    assert errors["TreatMissingData"] == latency["TreatMissingData"] == "notBreaching"
    metrics = {
        one["MetricStat"]["Metric"]["MetricName"]: one["MetricStat"]["Stat"]
        for one in (*errors["Metrics"], *latency["Metrics"])
        if "MetricStat" in one
    }
    assert metrics == {"5xx": "Sum", "Count": "Sum", "Latency": "p99"}


def test_the_dashboard_shows_searches_where_there_are_any(stack: Stack) -> None:
    for name, there in (("created", True), ("existing", True), ("mixed", False)):
        board = stack(name, "Workflow").only("AWS::CloudWatch::Dashboard")["Properties"]
        assert ("Time of a search (ms)" in shown(board["DashboardBody"])) == there
