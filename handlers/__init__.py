"""One AWS Lambda function per Task state of the state machine: parse, call, dump."""

import gc

gc.set_threshold(50_000)
# Imports make many objects and hardly any garbage. At Python's own threshold (700) the collector
# looks through them dozens of times, which is a tenth of a cold start.
