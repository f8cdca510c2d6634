"""A process that has imported everything and waits: `up` starts it, `down` ends it.

Importing the state machine takes longer than a small run. The standby has done that; for each
command it forks a child, which gets the caller's terminal, environment and folder, and does there
what the caller would have done. Without a standby, or with one of another kind (other code, other
limits), the caller does it itself, only slower.

`client` is the caller's side and imports next to nothing; `server` is the process; `alike` says
when one may stand for the other; `process` starts and stops it.
"""
