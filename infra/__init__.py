"""The deployment: a CDK app with a stack that keeps data and a stack that can be replaced."""
