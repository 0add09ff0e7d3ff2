"""Runs the command line as ``python -I -m reconciler``."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        # Without -I or -P, Python looks for modules in the current directory first, and that may
        # be the checkout of a change. This package is found already.
        del sys.path[0]
    from reconciler.cli import main

    main()
