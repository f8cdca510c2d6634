"""What runs: functions, their bundles, the state machine, the schedule."""
