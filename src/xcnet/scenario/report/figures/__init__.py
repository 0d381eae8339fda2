"""The pictures of a report: each makes one chart of a result. None where there is nothing to show."""
