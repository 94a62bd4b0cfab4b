"""``python -m ser COMMAND``."""

import sys

from ser.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
