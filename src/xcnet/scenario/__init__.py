"""What happens to traffic when something breaks: scenarios, their runs, verdicts and reports."""
