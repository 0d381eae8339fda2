"""Faults made real in a running lab: put in place, looked at in the kernel, in FRR or in a process, and taken away again."""
