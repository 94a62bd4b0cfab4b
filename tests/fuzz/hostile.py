"""Small files that would take much: memory, time, or more than there is."""

import json
import resource
import struct
import zlib

import numpy as np
from encoders import LOSSY, encode, encode_with_ffmpeg

from ser.audio.loading import load_audio
from ser.errors import AudioError

from .costs import Costs


def box(name, *content):
    content = b"".join(content)
    return struct.pack(">I", 8 + len(content)) + name + content


def full_box(name, *content):
    return box(name, bytes(4), *content)


def picture(width=16000, height=16000):
    """A PNG whose header promises more than there is."""

    def chunk(kind, content):
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    rows = zlib.compress(bytes(200_000), 9)
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
        + struct.pack(">IIIIII", 0, 16000, 16000, 64, 0, len(image))
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


def m4a_of_chunks(count=100_000_000):
    content = m4a_of_samples(count)
    return patched(content, b"stsc", struct.pack(">IIII", 1, 1, count, 1))


def m4a_of_tracks(count=60, samples=10_000_000):
    content = m4a_of_samples(samples)
    place = content.index(b"trak") - 4
    (size,) = struct.unpack(">I", content[place : place + 4])
    return grown(content, b"moov", content[place : place + size] * count)


def alac_of_frames(length=1 << 24, channels=8):
    """Frames that are said to be long, and of many channels."""
    content = encode_with_ffmpeg("ipod", "alac", np.zeros((2, 9000), np.float32), layout="stereo")
    place = content.index(b"alac", content.index(b"alac") + 4) + 8
    content = content[:place] + struct.pack(">I", length) + content[place + 4 :]
    return content[: place + 9] + bytes([channels]) + content[place + 10 :]


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


def caf_with_packets(count=1 << 27):
    """A table of packets that is not there."""
    table = struct.pack(">qqii", count, count * 1024, 0, 0)
    content = caf(5000, b"aac ", 1024, 0)
    place = content.index(b"data")
    return content[:place] + b"pakt" + struct.pack(">q", 24 + count) + table + content[place:]


def flac_of_channels(seconds=40):
    """Silence in eight channels of the highest sample rate, in few bytes."""
    return encode("FLAC", "PCM_16", np.zeros((384_000, 8)), 192_000) * (seconds // 2)


def flac_of_changes(count=3000):
    """Every frame is of another sample rate or another number of channels."""
    a, b = (encode("FLAC", "PCM_16", np.zeros((4096, channels))) for channels in (1, 2))
    frames = [each[each.index(b"\xff\xf8") :] for each in (a, b)]
    return a[: a.index(b"\xff\xf8")] + (frames[0] + frames[1]) * count


FILES = {
    "covers.m4a": m4a_with_covers,
    "cover.flac": flac_with_cover,
    "cover.mp3": mp3_with_cover,
    "samples.m4a": m4a_of_samples,
    "chunks.m4a": m4a_of_chunks,
    "tracks.m4a": m4a_of_tracks,
    "frames.m4a": alac_of_frames,
    "packets.caf": lambda: caf(4_800_000),
    "table.caf": caf_with_packets,
    "channels.flac": flac_of_channels,
    "changes.flac": flac_of_changes,
}
"""What makes each file."""


def main():
    """Print what came of each file (outcome, seconds, bytes), and the largest process in bytes."""
    costs = Costs()
    found = {}
    for name, make in {"good": lambda: LOSSY["m4a"], **FILES}.items():
        clip = make()
        costs.start()
        try:
            outcome = f"read {len(load_audio(clip, 48_000))}"
        except AudioError as error:
            outcome = f"{type(error).__name__}: {error}"
        found[name] = outcome, *costs.stop()
    largest = 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # that has ended
    print(json.dumps([found, largest]))


if __name__ == "__main__":
    main()
