"""What a stage may cost in a month. People are told when it is spent, or forecast to be."""

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from infra.stage.stage import Stage


class Budget(Construct):
    """By the tag `stage`, which must be active in the account's billing as a cost allocation
    tag."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, usd: float) -> None:
        super().__init__(scope, construct_id)
        people = [
            budgets.CfnBudget.SubscriberProperty(address=email, subscription_type="EMAIL")
            for email in stage.alarms.emails
        ]
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=stage.prefix,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:stage${stage.name}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type=kind,
                        threshold=100,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=people,
                )
                for kind in ("ACTUAL", "FORECASTED")
            ],
        )
