"""What tells people: alarms, dashboard, failure notes."""
