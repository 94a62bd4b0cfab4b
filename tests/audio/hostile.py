"""Small files that would take much: memory, time, or more than there is."""

import io
import struct
import zlib

import numpy as np
import soundfile
from encoders import LOSSY, encode


def box(name, *content):
    content = b"".join(content)
    return struct.pack(">I", 8 + len(content)) + name + content


def full_box(name, *content):
    return box(name, bytes(4), *content)


def picture(width=30000, height=30000):
    """A PNG whose header promises more than there is."""

    def chunk(kind, content):
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    rows = zlib.compress(bytes(4_000_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def m4a_with_covers(count=3):
    content = LOSSY["m4a"]
    data = box(b"data", struct.pack(">II", 14, 0), picture())
    tags = box(
        b"udta",
        full_box(
            b"meta",
            full_box(b"hdlr", bytes(4), b"mdirappl", bytes(9)),
            box(b"ilst", box(b"covr", *[data] * count)),
        ),
    )
    return grown(content, b"moov", tags)


def grown(content, name, addition):
    """Append to a box at the top of an MP4, which is the last or followed by others."""
    place = content.index(name) - 4
    (size,) = struct.unpack(">I", content[place : place + 4])
    whole = content[place : place + size] + addition
    return content[:place] + struct.pack(">I", len(whole)) + whole[4:] + content[place + size :]


def flac_with_cover():
    image = picture()
    mime = b"image/png"
    block = (
        struct.pack(">II", 3, len(mime))
        + mime
        + struct.pack(">IIIIII", 0, 30000, 30000, 32, 0, len(image))
        + image
    )
    content = encode("FLAC")
    return (
        content[:4]
        + bytes([0])
        + content[5:42]
        + bytes([6])
        + len(block).to_bytes(3, "big")
        + block
        + content[42:]
    )


def mp3_with_cover():
    frame = b"\0image/png\0\3\0" + picture()
    frame = b"APIC" + struct.pack(">IH", len(frame), 0) + frame
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + frame + LOSSY["mp3"]


def patched(content, name, replacement, offset=4):
    """Write over what follows the name of a box."""
    place = content.index(name) + 4 + offset
    return content[:place] + replacement + content[place + len(replacement) :]


def m4a_of_samples(count=80_000_000):
    """All of one byte, as the table of sizes says."""
    return patched(LOSSY["m4a"], b"stsz", struct.pack(">II", 1, count))


def m4a_of_times(count=0x7FFFFFF0):
    return patched(m4a_of_samples(), b"stts", struct.pack(">II", 1, count))


def m4a_of_chunks(count=100_000_000):
    content = m4a_of_samples(count)
    return patched(content, b"stsc", struct.pack(">IIII", 1, 1, count, 1))


def caf(packets, kind=b"aac ", frames=1024, size=1):
    """Packets of the same size."""
    description = struct.pack(">d4sIIIII", 48000.0, kind, 0, size, frames, 1, 0)
    return (
        b"caff\0\1\0\0"
        + b"desc"
        + struct.pack(">q", len(description))
        + description
        + b"data"
        + struct.pack(">q", 4 + packets)
        + bytes(4)
        + bytes(packets)
    )


def flac(rate=192_000, channels=8, seconds=600, blocksize=None):
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, channels, "PCM_16", format="FLAC") as output:
        for _ in range(seconds):
            output.write(np.zeros((rate, channels), np.int16))
    return file.getvalue()
