"""``python -m xcnet.engine.provision``: make sure that an engine works here, fetching a kernel where one is needed."""

from __future__ import annotations

import os
import sys

from xcnet.engine.kernel_features import kernel_shortcomings
from xcnet.engine.uml_choice import choose_kernel
from xcnet.errors import XcnetError


def main() -> int:
    """:returns: 0 if an engine works, else 1, having said why."""
    if os.geteuid() == 0 and not kernel_shortcomings():
        return 0
    try:
        choose_kernel(lambda text: print(text, file=sys.stderr, flush=True))
    except XcnetError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
