"""Reports of scenario runs: one self-contained page, the same as Markdown and JSON, comparisons, summaries and JUnit.

Pure but for ``write``: what comes out is made of a ``RunResult`` alone, and the same result always gives the same report.
"""
