"""Where a command does its work: this machine, or a stage on AWS."""
