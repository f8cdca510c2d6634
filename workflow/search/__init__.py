"""Query -> answer: words, spelling, names, ranking, answers."""
