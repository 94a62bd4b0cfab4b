"""Files of every format."""

import io

import av
import numpy as np
import soundfile
from signals import speech_like

VOICE = speech_like(seconds=1.0, sample_rate=48000)


def encode(format, subtype=None, samples=VOICE, rate=48000, **options):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=format, subtype=subtype, **options)
    return file.getvalue()


def encode_with_ffmpeg(container, codec, samples=VOICE, rate=48000, layout="mono", title=""):
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        output.metadata["title"] = title
        stream = output.add_stream(codec, rate=rate, layout=layout)
        interleaved = np.atleast_2d(samples).T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
        frame.rate = rate
        frame.pts = 0
        fifo = av.AudioResampler(stream.format, layout, rate, stream.frame_size or 1024)
        for part in (*fifo.resample(frame), *fifo.resample(None), None):
            output.mux(stream.encode(part))
    return file.getvalue()


def encode_video(container="mp4"):
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for _ in range(5):
            output.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(stream.encode(None))
    return file.getvalue()


def encode_film(tracks, container="mp4", options=None):
    """A film of two seconds with some sound tracks of the same length."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options or {}) as output:
        video = output.add_stream("mpeg4", rate=10)
        video.width = video.height = 64
        sounds = [output.add_stream("aac", rate=48000, layout="mono") for _ in tracks]
        for index in range(20):
            image = av.VideoFrame(64, 64, "yuv420p")
            image.pts = index
            output.mux(video.encode(image))
            for sound, samples in zip(sounds, tracks, strict=True):
                for start in range(4800 * index, min(4800 * (index + 1), len(samples)), 960):
                    part = np.ascontiguousarray(samples[np.newaxis, start : start + 960])
                    frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
                    frame.rate, frame.pts = 48000, start
                    output.mux(sound.encode(frame))
        for stream in (video, *sounds):
            output.mux(stream.encode(None))
    return file.getvalue()


#: Content of each file, and how far its samples may be off.
EXACT = {
    "wav-8": (encode("WAV", "PCM_U8"), 2**-7),
    "wav-16": (encode("WAV", "PCM_16"), 2**-15),
    "wav-24": (encode("WAV", "PCM_24"), 2**-23),
    "wav-32": (encode("WAV", "PCM_32"), 2**-24),
    "wav-float": (encode("WAV", "FLOAT"), 0),
    "wav-double": (encode("WAV", "DOUBLE"), 0),
    "wav-ulaw": (encode("WAV", "ULAW"), 0.04),
    "wavex": (encode("WAVEX", "PCM_16"), 2**-15),
    "rf64": (encode("RF64", "PCM_24"), 2**-23),
    "aiff": (encode("AIFF", "PCM_16"), 2**-15),
    "au": (encode("AU", "PCM_16", endian="BIG"), 2**-15),
    "caf": (encode("CAF", "ALAC_16"), 2**-15),
    "flac-16": (encode("FLAC", "PCM_16"), 2**-15),
    "flac-24": (encode("FLAC", "PCM_24"), 2**-23),
    "m4a-alac": (encode_with_ffmpeg("ipod", "alac"), 2**-15),
    "mkv-pcm": (encode_with_ffmpeg("matroska", "pcm_s16le"), 2**-15),
}

#: Content of each file.
LOSSY = {
    "mp3": encode("MP3"),
    "ogg-vorbis": encode("OGG", "VORBIS"),
    "ogg-opus": encode("OGG", "OPUS"),
    "m4a": encode_with_ffmpeg("ipod", "aac"),
    "mp4": encode_with_ffmpeg("mp4", "aac"),
    "3gp": encode_with_ffmpeg("3gp", "aac"),
    "aac": encode_with_ffmpeg("adts", "aac"),
    "webm": encode_with_ffmpeg("webm", "libopus"),
}
