"""The storage behind a Hub with Xet, as far as hf-xet asks for it to download a file."""

import hashlib

CHUNK = 2**17
"""Bytes in a chunk, at most."""


class XetStorage:
    """Files by name, each kept as one xorb: a row of chunks, each with a header.

    What was added stays, as huggingface_hub remembers the names of the files in a commit.
    """

    def __init__(self):
        self._files = {}

    def add(self, content):
        """Keep a file, and return its name."""
        name = hashlib.sha256(b"xet" + content).hexdigest()  # hf-xet takes any 64 digits
        self._files[name] = content
        return name

    def plan(self, name, url):
        """Return how to put a file together, in the first version of the protocol."""
        count = len(range(0, len(self._files[name]), CHUNK))
        chunks = {"start": 0, "end": count}
        stored = {"start": 0, "end": len(self.xorb(name)) - 1}
        return {
            "offset_into_first_range": 0,
            "terms": [{"hash": name, "unpacked_length": len(self._files[name]), "range": chunks}],
            "fetch_info": {name: [{"range": chunks, "url": url, "url_range": stored}]},
        }

    def xorb(self, name):
        """Return the chunks of a file, none of them compressed."""
        content = self._files[name]
        parts = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)]
        lengths = [len(part).to_bytes(3, "little") for part in parts]
        return b"".join(
            b"\0" + length + b"\0" + length + part  # version, stored, compression, unpacked
            for part, length in zip(parts, lengths, strict=True)
        )
