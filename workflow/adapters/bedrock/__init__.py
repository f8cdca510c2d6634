"""The embedding model, with boto3."""
