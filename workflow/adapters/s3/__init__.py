"""The run bucket, with boto3."""
