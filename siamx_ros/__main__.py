"""``python -m siamx_ros``: the command line."""

import sys

from siamx_ros.cli import main

if __name__ == '__main__':
    sys.exit(main())
