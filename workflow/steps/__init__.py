"""One file per state, and what only steps use: guards, costs, pruning."""
