#!/usr/bin/env python3
"""What a cut of each channel costs the traffic: a lab from Python. Exit status 0 if none costs more than the budget, 3 if the
machine was too busy to tell.

    examples/failure_budget.py                # a lab of its own
    examples/failure_budget.py --lab NAME ch2 # one that runs already, and one channel of it
"""

from __future__ import annotations

import argparse
import sys

from xcnet import Lab
from xcnet.errors import XcnetError

BUDGET = 0.3
"""Seconds that one flow may be without anything: a cut is told by carrier."""

STANDS = 2.0
"""Seconds that a channel is dark, and that the lab has before and after it."""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--lab", help="one that runs already; it stays up")
    arguments.add_argument("channels", nargs="*", help="by default all of the lab's")
    options = arguments.parse_args()
    costly = unfit = False
    with Lab.attach(options.lab) if options.lab else Lab.up("aws-google") as lab:
        for channel in options.channels or [each.name for each in lab.status().channels]:
            with lab.traffic() as traffic:
                traffic.wait(STANDS)
                with lab.fault("cut", on=channel):
                    traffic.wait(STANDS)
                traffic.wait(STANDS)
                found = traffic.stop()
            print(
                f"{channel}: {found.lost} of {found.sent} lost, one flow for {found.longest_loss:.3f} s at the longest"
            )
            costly = costly or found.longest_loss > BUDGET
            if not found.quality.fit:
                unfit = True
                print(f"  the machine was too busy to tell: {'; '.join(found.quality.problems)}")
            lab.wait_until_up()
    return 3 if unfit else int(costly)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except XcnetError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
