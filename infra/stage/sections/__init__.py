"""The tables of a stage file. Each is a frozen model; an unknown field is an error."""
