"""The deployment: a CDK app of a stack that keeps data and a stack that can be replaced."""
