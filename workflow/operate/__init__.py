"""What people ask beside runs: doctor, rollback, comparison, why a run failed."""
