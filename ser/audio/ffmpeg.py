"""What FFmpeg's libraries say of a file and its packets, through PyAV."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from ser.audio.parts import Part

# Demuxers that may be used: none of them follows references out of the clip.
FORMATS = (
    "aac,ac3,aiff,amr,asf,au,avi,caf,dts,eac3,flac,flv,matroska,mov,mp3,mpeg,mpegts,ogg,w64,wav,wv"
)
# Decoders that may be used: of sound alone, since those of pictures are opened for covers, too.
CODECS = re.compile(
    r"aac(_latm)?|ac3|adpcm_(g7\w+|ima_(qt|wav)|ms|swf|yamaha)|alac|als|amr[nw]b|ape|atrac[13]\w*"
    r"|cook|dca|eac3|evrc|flac|g7\w+|gsm(_ms)?|ilbc|libopencore_\w+|libopus|mace[36]|mlp"
    r"|mp[123](float)?|nellymoser|opus|pcm_\w+|qcelp|qdm[2c]|s302m|speex|truehd|truespeech|tta|vorbis|wavpack"
    r"|wma(lossless|pro|v1|v2|voice)"
)
WHITELIST = ",".join(filter(CODECS.fullmatch, sorted(av.codecs_available)))
# Those whose headers tell how long the recording is; of others, it is a guess.
PROMISING = {"caf", "flac", "flv", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "ogg", "wv"}
# How the first frame of an MP3 tells how many follow.
FRAME_COUNT = re.compile(rb"(?:Xing|Info)\0\0\0[\x01\x03\x05\x07\x09\x0b\x0d\x0f](.{4})", re.DOTALL)
# The header of ASF: how long it plays in units of 100 ns, the share of it in ms that comes before
# the recording, and whether it is a stream, whose header was written before its length was known.
ASF_PROPERTIES = re.compile(
    rb"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\0\xc0\x0c\x20\x53\x65.{48}(.{8}).{8}(.{8})(.)",
    re.DOTALL,
)

# Types of samples that need no converter: those of NumPy, and what to divide by.
PLAIN = {
    "s16": (np.int16, np.float32(2**15)),
    "s32": (np.int32, np.float32(2**31)),
    "flt": (np.float32, np.float32(1)),
}
LONGEST_PAGE = 65_307  # bytes of Ogg
SILENT = 2.0**-15  # peak of a track without sound
LONGEST_SEARCH = 600.0  # s in which the tracks of a film are searched for sound
ERRORS = (av.FFmpegError, IndexError)  # IndexError: PyAV's, if a track starts midway


def open_container(stream: Part) -> InputContainer:
    """Open a binary file."""
    return av.open(
        stream,
        "r",
        container_options={"format_whitelist": FORMATS, "codec_whitelist": WHITELIST},
        metadata_errors="replace",  # of tags that are not UTF-8
    )


class Unpacker:
    """From packets of a track to their samples.

    Attributes
    ----------
    lost : bool
        Whether any packet after the first good one could not be decoded.
    """

    def __init__(self) -> None:
        self.lost = False
        self._decoded = False
        self._packers: dict[tuple[int, str, str], av.AudioResampler] = {}

    def __call__(self, packet: av.Packet) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield the sample rate in Hz and samples (n_samples, n_channels) of each frame."""
        codec = packet.stream.codec_context
        if codec is None or not CODECS.fullmatch(codec.name):
            return
        # ValueError: a type of samples that PyAV does not know
        try:
            frames: Any = packet.decode()
        except (av.FFmpegError, ValueError):
            if _is_pause(packet):
                rate = packet.stream.rate
                yield rate, np.zeros((rate // 50, 1), np.float32)
                return
            self.lost |= self._decoded and not _is_junk(packet)
            return
        for frame in frames:
            with suppress(av.FFmpegError, ValueError):
                yield frame.rate, self._interleave(frame)

    def _interleave(self, frame: av.AudioFrame) -> NDArray[np.float32]:
        self._decoded = True
        channels = frame.layout.nb_channels
        if frame.format.packed.name in PLAIN and channels <= 2:  # most, at a fourth of the time
            kind, full_scale = PLAIN[frame.format.packed.name]
            planes: list[Any] = list(frame.planes)
            size = frame.samples * channels // len(planes)
            found = [np.frombuffer(each, kind, size) for each in planes]
            samples = np.stack(found, axis=1) if len(found) > 1 else found[0]
            return np.divide(samples, full_scale, dtype=np.float32).reshape(-1, channels)
        # PyAV crashes on the planes of eight channels, so samples are interleaved before.
        key = frame.rate, frame.layout.name, frame.format.name
        if key not in self._packers:
            self._packers[key] = av.AudioResampler("flt", frame.layout, frame.rate)
        packed = self._packers[key].resample(frame)
        return np.concatenate([each.to_ndarray().reshape(-1, channels) for each in packed])


def _is_junk(packet: av.Packet) -> bool:
    """Whether a packet is no frame of MP3, but something between or after frames, such as a tag."""
    return packet.stream.codec_context.name.startswith("mp") and bytes(packet)[:1] != b"\xff"


def _is_pause(packet: av.Packet) -> bool:
    """Whether a packet is a frame of AMR in which nobody speaks: FFmpeg decodes no such frames."""
    codec, frame = packet.stream.codec_context, bytes(packet)[:1]
    kinds_of_speech = {"amrnb": 8, "amrwb": 9}.get(codec and codec.name, 16)
    return bool(frame) and (frame[0] >> 3) & 15 >= kinds_of_speech


def sounding_track(stream: Part) -> int:
    """Return the index of the first sound track that is not silent; 0 if all are."""
    first: int | None = None
    unpack: dict[int, Unpacker] = {}
    with suppress(*ERRORS), open_container(stream) as container:
        tracks: list[Any] = list(container.streams.audio)
        for packet in container.demux(tracks):
            index = tracks.index(packet.stream)
            if first is None or index < first:
                frames = unpack.setdefault(index, Unpacker())(packet)
                if any(np.abs(samples).max(initial=0) > SILENT for _, samples in frames):
                    first = index
            if first == 0 or packet_end(packet, container) > LONGEST_SEARCH:
                break
    return first or 0


def packet_end(packet: av.Packet, container: InputContainer) -> float:
    """Return when a packet ends, in seconds from the beginning of the recording; 0 if unknown."""
    time = packet.dts if packet.pts is None else packet.pts
    if time is None:
        return 0.0
    start = (container.start_time or 0) / av.time_base
    return float((time + (packet.duration or 0)) * packet.time_base) - start


def promised_duration(container: InputContainer, stream: Part) -> float | None:
    """Return the seconds that the header of an opened file promises, or None.

    Parameters
    ----------
    container : av.container.InputContainer
    stream : binary file
        The same file, at its beginning.
    """
    if container.duration is None:
        return None
    name, duration = container.format.name, container.duration / av.time_base
    if name == "mp3":  # FFmpeg guesses if the file is larger than its header says
        codec = container.streams.audio[0].codec_context
        return min(duration, _frame_count(stream) * codec.frame_size / codec.rate)
    if name == "wav":  # what its chunk of facts says, or else a guess
        return duration if b"fact" in stream.read(1024) else None
    if name == "asf":  # FFmpeg guesses if the file is shorter than its header says
        return _asf_duration(stream)
    return duration if name in PROMISING else None


def _asf_duration(stream: Part) -> float | None:
    properties = ASF_PROPERTIES.search(stream.read(1 << 16))
    if properties is None or properties[3][0] & 1:
        return None
    plays, before = (int.from_bytes(field, "little") for field in properties.groups()[:2])
    return plays / 1e7 - before / 1e3


def _frame_count(stream: Part) -> int:
    """Return how many frames the first one of an MP3 counts; 0 if it does not."""
    start = stream.read(10)
    if start.startswith(b"ID3"):
        size = sum(byte << shift for byte, shift in zip(start[6:], (21, 14, 7, 0), strict=True))
        stream.seek(10 + size)
    count = FRAME_COUNT.search(stream.read(1024))
    return int.from_bytes(count[1]) if count else 0


def has_last_page(stream: Part) -> bool:
    """Whether an Ogg file ends with a whole page that is marked as the last."""
    stream.seek(max(0, stream.seek(0, os.SEEK_END) - LONGEST_PAGE))
    tail = stream.read(LONGEST_PAGE)
    page = tail[tail.rfind(b"OggS") :]
    header = 27 + page[26] if len(page) > 26 else len(page) + 1
    return len(page) >= header + sum(page[27:header]) and page[5] & 4 > 0
