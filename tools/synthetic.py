"""Make the example clips that ship with the package: `python tools/synthetic.py FOLDER`.

They are synthetic speech by espeak-ng (Debian's package of that name), so that the demo has
examples without using anyone's recording. They have no emotion label: nobody felt or acted one.
"""

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile

SENTENCE = "Dogs are sitting by the door."

VOICES = {
    "low-slow": ("Synthetic, low and slow", {"v": "en+m3", "p": 25, "s": 120, "a": 90}),
    "plain": ("Synthetic, plain", {"v": "en+m1", "p": 50, "s": 160, "a": 100}),
    "high-fast": ("Synthetic, high and fast", {"v": "en+f2", "p": 75, "s": 210, "a": 120}),
    "loud-lively": ("Synthetic, loud and lively", {"v": "en+f4", "p": 95, "s": 180, "a": 190}),
}
"""Caption, and espeak-ng's options: voice, pitch (0 to 99), words per minute, volume (0 to 200)."""


def make_clips(folder: Path) -> None:
    """Write the clips as FLAC, and the table of them, to a folder.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, (caption, options) in VOICES.items():
        file_name = f"synthetic-{name}.flac"
        with tempfile.NamedTemporaryFile(suffix=".wav") as spoken:
            flags = [f"-{option}{value}" for option, value in options.items()]
            subprocess.run(["espeak-ng", *flags, "-w", spoken.name, SENTENCE], check=True)
            soundfile.write(folder / file_name, *soundfile.read(spoken.name, dtype="int16"))
        rows.append(
            {
                "file_name": file_name,
                "emotion": "",
                "description": caption,
                "source": "espeak-ng",
                "license": "CC0-1.0",
            }
        )
    with (folder / "metadata.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Make the example clips.")
    parser.add_argument("folder", type=Path, help="such as ser/pretrained/examples")
    folder = parser.parse_args().folder
    if shutil.which("espeak-ng") is None:
        sys.exit("espeak-ng is not installed: apt-get install espeak-ng")
    make_clips(folder)


if __name__ == "__main__":
    main()
