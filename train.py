"""Train a speech emotion recogniser, evaluate it, and write it as a model folder.

    python train.py --dataset path/to/ravdess

The same as ``python -m ser train``.
"""

import sys

from ser.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]], prog="train.py"))
