"""The search API: an HTTP API whose every route asks who calls, in front of one function."""

import json

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.compute.functions import delivered_log_group
from infra.nag import acknowledge
from infra.stage.sections.search import SearchSection

PATHS = (
    *("/v1/drugs", "/v1/drugs/{ndc}", "/v1/drugs/{ndc}/alternatives", "/v1/health"),
    "/v1/openapi.json",
)
"""Those of `handlers/search_api.py`, each with GET only."""

HEALTH = "/v1/health"
OPEN = {"authorizer": gateway.HttpNoneAuthorizer(), "authorization_scopes": []}

SIGNED_HEADERS = ("authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token")

LOGGED = {
    "request_id": "$context.requestId",
    "time": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "latency_ms": "$context.responseLatency",
    "function_ms": "$context.integrationLatency",
    "ip": "$context.identity.sourceIp",
    "error": "$context.error.message",
    "function_error": "$context.integrationErrorMessage",
}
"""Logs neither the path, which has an NDC, nor the query, so that nobody reads what people look
for."""

LOGGED_OF_CALLER = {
    "iam": {"principal": "$context.identity.userArn"},
    "jwt": {"principal": "$context.authorizer.claims.sub", "refused": "$context.authorizer.error"},
}


class SearchApi(Construct):
    """`api`, with its default stage: throttled, logged, and closed to unknown callers."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        settings: SearchSection,
        function: lambda_.Function,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.settings = settings
        # The authorizer is the API's default, so no route can forget it.
        self.api = gateway.HttpApi(
            self,
            "HttpApi",
            api_name=name,
            description="Searches the drug catalog's live index",
            create_default_stage=False,
            disable_execute_api_endpoint=settings.domain_name is not None,
            cors_preflight=self._cors(),
            default_authorizer=self._authorizer(),
            default_authorization_scopes=list(settings.scopes) or None,
        )
        integration = integrations.HttpLambdaIntegration("Function", self._kept_warm(function))
        for path in PATHS:
            self._route(path, integration)
        stage = self._stage(name, log_retention_days)
        self.url, self.domain_target = self._address(stage)

    def _kept_warm(self, function: lambda_.Function) -> lambda_.IFunction:
        if self.settings.warm is None:
            return function
        return lambda_.Alias(
            self,
            "Warm",
            alias_name="warm",
            version=function.current_version,
            provisioned_concurrent_executions=self.settings.warm,
        )

    def _route(self, path: str, integration: integrations.HttpLambdaIntegration) -> None:
        is_open = path == HEALTH and self.settings.health_is_open
        routes = self.api.add_routes(
            path=path,
            methods=[gateway.HttpMethod.GET],
            integration=integration,
            **OPEN if is_open else {},  # type: ignore[arg-type]
        )
        if is_open:
            acknowledge(routes[0], "An uptime probe has no name; the answer has no data", "APIG4")

    def _address(self, stage: gateway.CfnStage) -> tuple[str, str]:
        """Where the API is called, and what the domain's DNS points to."""
        name, certificate = self.settings.domain_name, self.settings.certificate_arn
        if not (name and certificate):
            return self.api.api_endpoint, ""
        domain = gateway.DomainName(
            self,
            "Domain",
            domain_name=name,
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", certificate),
        )
        mapping = gateway.CfnApiMapping(
            self, "Mapping", api_id=self.api.api_id, domain_name=domain.name, stage=stage.ref
        )
        mapping.node.add_dependency(stage)
        return f"https://{name}", domain.regional_domain_name

    def metric(self, name: str, *, period: Duration, statistic: str = "Sum") -> cloudwatch.Metric:
        """One of the API's own metrics: Count, 4xx, 5xx, Latency (ms), IntegrationLatency (ms)."""
        label = f"{name} {statistic}" if statistic != "Sum" else name
        return self.api.metric(name, period=period, statistic=statistic, label=label)

    def share_of_errors(self, *, period: Duration) -> cloudwatch.MathExpression:
        """Share of answers with 5xx; 0 if there was no request."""
        using = {"failed": "5xx", "asked": "Count"}
        return cloudwatch.MathExpression(
            expression="IF(asked > 0, FILL(failed, 0) / asked, 0)",
            using_metrics={key: self.metric(name, period=period) for key, name in using.items()},
            period=period,
            label="Share of searches that failed",
        )

    @property
    def callable_arn(self) -> str:
        """What a caller's `execute-api:Invoke` names."""
        return Stack.of(self).format_arn(
            service="execute-api",
            resource=self.api.api_id,
            resource_name="*/GET/*",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )

    def _authorizer(self) -> gateway.IHttpRouteAuthorizer:
        settings = self.settings
        if settings.authorization == "iam":
            return authorizers.HttpIamAuthorizer()
        assert settings.issuer  # noqa: S101 - the stage file has it with jwt
        return authorizers.HttpJwtAuthorizer(
            "Tokens", settings.issuer, jwt_audience=list(settings.audience)
        )

    def _cors(self) -> gateway.CorsPreflightOptions | None:
        if not self.settings.cors_origins:
            return None
        return gateway.CorsPreflightOptions(
            allow_origins=list(self.settings.cors_origins),
            allow_methods=[gateway.CorsHttpMethod.GET],
            allow_headers=list(SIGNED_HEADERS),
            max_age=Duration.hours(1),
        )

    def _stage(self, name: str, log_retention_days: int) -> gateway.CfnStage:
        log = delivered_log_group(self, f"apis/{name}", log_retention_days)
        settings = self.settings
        line = LOGGED | LOGGED_OF_CALLER[settings.authorization]
        return gateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            default_route_settings=gateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=settings.requests_per_second,
                throttling_burst_limit=settings.burst,
            ),
            access_log_settings=gateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=log.log_group_arn, format=json.dumps(line)
            ),
        )
