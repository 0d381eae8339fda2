"""A running lab: build it, know its state, take it down, find what was left."""
