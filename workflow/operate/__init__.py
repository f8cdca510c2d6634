"""What people ask besides runs: doctor, rollback, comparison, why a run failed."""
