"""Operations besides runs: doctor, rollback, comparison, why a run failed."""
