"""What may be replaced at any time: functions, state machine, schedule, alarms."""

from aws_cdk import Annotations, CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.compute.bundles import LAMBDA
from infra.compute.bytecode import interpreter
from infra.compute.environment import environment
from infra.compute.functions import StepFunction
from infra.compute.machine import Machine, machine_arn
from infra.compute.rotation import rotate_password
from infra.compute.schedule import Schedule
from infra.compute.specs import OPERATOR, ROTATOR, SEARCH, SPECS, Spec
from infra.data.data_stack import DataStack
from infra.search.search import SearchApi
from infra.stage.sections.search import SearchSection
from infra.stage.stage import Stage
from infra.watch.alarms import Alarms
from infra.watch.budget import Budget
from infra.watch.dashboard import Dashboard
from infra.watch.failures import Failures

NOT_COMPILED = (
    f"no python{LAMBDA.python} on this machine: the bundles contain only sources, which each "
    f"cold start compiles (up to a second); install it, then deploy again"
)


class WorkflowStack(Stack):
    """Holds no data: removing it and deploying it again loses nothing."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, data: DataStack
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=f"{stage.prefix}-workflow",
            description="Drug catalog sync: functions, machine, schedule, alarms. Replaceable.",
            env={"account": stage.account, "region": stage.region},
        )
        self._stage = stage
        self._data = data
        self.add_stack_dependency(data)
        self._run_bucket = s3.Bucket.from_bucket_name(self, "Runs", stage.run_bucket_name)
        self.functions = {spec.state: self._function(spec) for spec in SPECS}
        operator = self._function(OPERATOR)
        self.machine = Machine(
            self,
            "Machine",
            name=stage.prefix,
            functions=self.functions,
            run_bucket=self._run_bucket,
            log_retention_days=stage.log_retention_days,
            kms_key_arn=stage.kms_key_arn,
        ).machine
        failures = Failures(
            self, "Failures", stage=stage, name=stage.prefix, run_bucket=self._run_bucket
        )
        schedule = Schedule(
            self, "Schedule", name=stage.prefix, schedule=stage.schedule, machine=self.machine
        )
        search = self._search(stage.search) if stage.search else None
        self._watch(failures, schedule, search, self._rotator())
        if interpreter(LAMBDA.python) is None:
            Annotations.of(self).add_info_v2("drugsync:sources", NOT_COMPILED)
        if stage.alarms.budget_usd_per_month:
            Budget(self, "Budget", stage=stage, usd=stage.alarms.budget_usd_per_month)
        # The names that the command line looks for.
        CfnOutput(self, "StateMachineArn", value=self.machine.state_machine_arn)
        CfnOutput(self, "RunBucket", value=stage.run_bucket_name)
        CfnOutput(self, "OperatorFunction", value=operator.function_name)

    def _search(self, settings: SearchSection) -> SearchApi:
        function = StepFunction(
            self,
            SEARCH.state,
            spec=SEARCH,
            stage=self._stage,
            data=self._data,
            run_bucket=self._run_bucket,
            environment=environment(self._stage, self._data, SEARCH),
            machine_arn=machine_arn(self, self._stage.prefix),
            reserved_concurrency=settings.reserved_concurrency,
        ).function
        search = SearchApi(
            self,
            "Search",
            name=f"{self._stage.prefix}-search",
            settings=settings,
            function=function,
            log_retention_days=self._stage.log_retention_days,
        )
        CfnOutput(self, "SearchUrl", value=search.url)
        CfnOutput(self, "SearchFunction", value=function.function_name)
        if search.domain_target:
            CfnOutput(self, "SearchDomainTarget", value=search.domain_target)
        if settings.authorization == "iam":
            CfnOutput(self, "SearchArn", value=search.callable_arn)
        return search

    def _rotator(self) -> lambda_.Function | None:
        created = self._stage.mysql.create
        if created is None or created.rotation_days is None:
            return None
        function = self._function(ROTATOR)
        rotate_password(function, self._data.catalog.server, created.rotation_days)
        return function

    def _function(self, spec: Spec) -> lambda_.Function:
        return StepFunction(
            self,
            spec.state,
            spec=spec,
            stage=self._stage,
            data=self._data,
            run_bucket=self._run_bucket,
            environment=environment(self._stage, self._data, spec),
            machine_arn=machine_arn(self, self._stage.prefix),
        ).function

    def _watch(
        self,
        failures: Failures,
        schedule: Schedule,
        search: SearchApi | None,
        rotator: lambda_.Function | None,
    ) -> None:
        stage, redis = self._stage, self._data.redis.server
        alarms = Alarms(
            self,
            "Alarms",
            prefix=stage.prefix,
            settings=stage.alarms,
            machine=self.machine,
            queues={"ScheduleDeadLetters": schedule.queue, "FailureDeadLetters": failures.queue},
            redis=redis,
            search=search,
            rotator=rotator,
            topic=failures.topic,
        )
        Dashboard(
            self,
            "Dashboard",
            name=stage.prefix,
            machine=self.machine,
            functions=self.functions,
            alarms=alarms.alarms,
            usd_per_1k_tokens=stage.settings.price_per_1k_tokens,
            model_id=stage.settings.embedding_model,
            redis_memory=redis.memory,
            search=search,
        )
