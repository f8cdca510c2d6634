"""Executions and their history, and SNS to tell people, with boto3."""
