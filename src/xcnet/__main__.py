"""``python -m xcnet``: the same as the ``xcnet`` command."""

from xcnet.cli import main

if __name__ == "__main__":
    main()
