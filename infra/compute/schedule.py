"""When a sync starts by itself: EventBridge Scheduler with a time zone and a dead-letter queue."""

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.stage.sections.operation import ScheduleSection
from infra.watch.failures import dead_letters


class Schedule(Construct):
    """Starts a sync with the input `{}`. `queue` has the starts that failed."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        schedule: ScheduleSection,
        machine: sfn.StateMachine,
    ) -> None:
        super().__init__(scope, construct_id)
        self.queue = dead_letters(self, "DeadLetters")
        scheduler.Schedule(
            self,
            "Schedule",
            schedule_name=name,
            description="Brings the search index in step with the drug catalog",
            schedule=scheduler.ScheduleExpression.expression(
                schedule.expression, TimeZone.of(schedule.time_zone)
            ),
            time_window=scheduler.TimeWindow.flexible(Duration.minutes(schedule.flexible_minutes)),
            enabled=schedule.enabled,
            target=targets.StepFunctionsStartExecution(
                machine,
                input=scheduler.ScheduleTargetInput.from_object({}),
                dead_letter_queue=self.queue,
                # A start that comes hours late would run into the working day.
                max_event_age=Duration.hours(1),
                retry_attempts=10,
            ),
        )
