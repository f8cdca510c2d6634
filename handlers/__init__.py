"""One AWS Lambda function per Task state of the state machine: parse, call, dump."""
