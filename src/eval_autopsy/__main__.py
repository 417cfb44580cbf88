"""`python -m eval_autopsy` is `autopsy`."""

import sys

from eval_autopsy.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
