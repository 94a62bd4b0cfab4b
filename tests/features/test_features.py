"""Properties of the features, on signals whose properties are known."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from scipy.signal import lfilter
from signals import noise, speech_like, tone

from ser.audio.activity import cut_speech
from ser.errors import AudioNotFoundError, FeatureConfigError, NoSpeechError
from ser.features import FeatureConfig, FeatureExtractor
from ser.features.config import FEATURE_VERSION
from ser.features.families import FAMILIES
from ser.features.kernels import kernel_shares
from ser.features.mel import hertz_to_mel, mel_filters, mel_to_hertz
from ser.features.statistics import STATISTICS

RATE = FeatureConfig().sample_rate
KERNELS = ("change", "voiced_kernel", "band_")


def test_summaries_leave_the_course_of_a_sentence_out():
    extractor = FeatureExtractor()
    names = [extractor.names[index] for index in extractor.parts["summaries"]]
    assert {"mfcc3.all.std", "mel7.voiced.mean", "f0.delta.std", "clip.jitter"} <= set(names)
    courses = ("corr.", *KERNELS)
    assert not any(name.startswith(courses) or "trajectory" in name for name in names)
    alone = FeatureExtractor(FeatureConfig(statistics=("trajectory", "kernels")))
    assert len(alone.parts["summaries"]) == len(alone.names)


def test_prosody_is_how_something_is_said():
    extractor = FeatureExtractor()
    names = [extractor.names[index] for index in extractor.parts["prosody"]]
    assert {"f0.voiced.mean", "hnr.all.std", "energy.delta.std", "clip.jitter"} <= set(names)
    assert not any(name.startswith(("mfcc", "mel", "corr.", *KERNELS)) for name in names)
    assert not any("trajectory" in name for name in names)
    words = FeatureExtractor(FeatureConfig(families=("mfcc",)))
    assert set(words.parts["prosody"]) == set(words.parts["summaries"])


def test_either_set_of_kernels_is_left_out_of_a_part():
    extractor = FeatureExtractor()
    parts = {
        name: {extractor.names[index] for index in extractor.parts[name]}
        for name in ("descriptors", "bands", "summaries")
    }
    common = parts["descriptors"] & parts["bands"]
    assert parts["descriptors"] | parts["bands"] == set(extractor.names)
    assert parts["summaries"] < common and not any(name.startswith(KERNELS) for name in common)


def test_kernels_of_bands_hear_what_descriptors_do_not():
    tracks = FeatureExtractor().tracks(voice())
    bands = np.char.startswith(tracks.names, "mel")
    moved = replace(tracks, values=np.where(bands, tracks.values[::-1], tracks.values))
    for name, hears in (("kernels", False), ("band_kernels", True)):
        extractor = FeatureExtractor(FeatureConfig(statistics=(name,)))
        shares = extractor.summarise(tracks)
        assert 0 <= shares.min() < 0.1 and 0.9 < shares.max() < 1 + 1e-6
        assert np.array_equal(shares, extractor.summarise(moved)) != hears


def voice(seconds=2.0, seed=0):
    """Speech without pauses at its edges."""
    pause = RATE // 2
    return speech_like(seconds, RATE, seed=seed)[pause:-pause]


def pulses(f0, seconds=1.0):
    """A train of glottal-like pulses at a constant F0 in Hz."""
    phase = np.arange(int(seconds * RATE)) * f0 / RATE
    return lfilter([1], [1, -0.95], np.diff(np.floor(phase), prepend=0))


def value(waveform, name, config=None):
    extractor = FeatureExtractor(config)
    return extractor.extract(waveform)[extractor.names.index(name)]


# Names


def test_names_are_known_before_any_audio_and_match_the_values():
    extractor = FeatureExtractor()
    assert len(set(extractor.names)) == len(extractor.names)
    assert extractor.extract(voice()).shape == (len(extractor.names),)


@pytest.mark.parametrize("name", ["f0.voiced.mean", "mfcc3.delta.std", "corr.mfcc1.hnr"])
def test_a_name_says_what_is_measured(name):
    assert name in FeatureExtractor().names


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_works_alone(family):
    extractor = FeatureExtractor(FeatureConfig(families=(family,)))
    features = extractor.extract(voice())
    assert features.shape == (len(extractor.names),)
    assert np.isfinite(features).all()
    assert len(extractor.tracks(voice()).names) == extractor.tracks(voice()).values.shape[1]


@pytest.mark.parametrize("statistic", STATISTICS)
def test_each_statistic_works_alone_and_is_the_same_as_among_others(statistic):
    alone = FeatureExtractor(FeatureConfig(statistics=(statistic,)))
    together = FeatureExtractor()
    names = dict(zip(together.names, together.extract(voice()), strict=True))
    expected = [names[name] for name in alone.names]
    np.testing.assert_array_equal(alone.extract(voice()), np.array(expected, np.float32))


# Invariances


@pytest.mark.parametrize("gain", [-18, 6])
def test_gain_does_not_matter(gain):
    extractor = FeatureExtractor()
    features = extractor.extract(voice())
    scaled = extractor.extract(voice() * np.float32(10 ** (gain / 20)))
    np.testing.assert_allclose(scaled, features, rtol=1e-3, atol=1e-3)


def test_an_offset_does_not_matter():
    extractor = FeatureExtractor()
    np.testing.assert_allclose(
        extractor.extract(voice() + 0.25), extractor.extract(voice()), rtol=1e-2, atol=2e-2
    )


def test_the_same_clip_gives_the_same_features_from_any_thread():
    extractor = FeatureExtractor()
    clips = [voice(seed=seed) for seed in range(4)] * 3
    expected = [extractor.extract(clip) for clip in clips]
    with ThreadPoolExecutor(4) as pool:
        for features, other in zip(pool.map(extractor.extract, clips), expected, strict=True):
            np.testing.assert_array_equal(features, other)


@pytest.mark.parametrize(
    "clip",
    [
        voice()[: int(0.3 * RATE)],
        noise(0.5, RATE),
        tone(0.5, RATE),
        np.sign(tone(0.5, RATE)),
        np.zeros(RATE, np.float32),
        np.eye(1, RATE, 500, dtype=np.float32)[0],
        voice(50),
    ],
    ids=["short", "voiceless", "sine", "clipped", "zero", "click", "long"],
)
def test_features_are_finite(clip):
    features = FeatureExtractor().extract(clip)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


@pytest.mark.parametrize("sample_rate", [8000, 24000, 48000])
def test_other_sample_rates(sample_rate):
    clip = speech_like(1.0, sample_rate, pitch=140)
    tracks = FeatureExtractor(FeatureConfig(sample_rate=sample_rate)).tracks(clip)
    assert np.nanmedian(tracks.f0) == pytest.approx(140, rel=0.2)
    assert np.isfinite(tracks.values).all()


def test_kernels_of_a_long_clip_are_applied_in_blocks_that_do_not_show(monkeypatch):
    rng = np.random.default_rng(0)
    rows = np.cumsum(rng.standard_normal((3, 500)), axis=1, dtype=np.float32)
    clip = rows, rng.random(500) < 0.5, ("f0", "hnr", "mel1")
    at_once = kernel_shares(*clip)
    monkeypatch.setattr("ser.features.kernels.BLOCK", 99)
    np.testing.assert_allclose(kernel_shares(*clip), at_once, atol=1e-6)
    assert at_once.std() > 0.1


def test_a_long_clip_is_analysed_in_blocks_that_do_not_show():
    tracks = FeatureExtractor(FeatureConfig(families=("mfcc", "voice"))).tracks(
        np.tile(voice(7), 6)
    )
    second, third = slice(710, 1390), slice(1410, 2090)  # blocks meet within the third copy
    same = np.isclose(tracks.values[third], tracks.values[second], atol=0.05).all(axis=1)
    assert same.mean() > 0.99
    assert np.mean(tracks.voiced[third] == tracks.voiced[second]) > 0.99
    assert tracks.times[-1] == pytest.approx(42)


# What is measured


@pytest.mark.parametrize("f0", [75, 120, 200, 310, 440])
def test_f0_of_pulses(f0):
    tracks = FeatureExtractor().tracks(pulses(f0))
    inside = slice(5, -5)
    assert tracks.voiced[inside].all()
    np.testing.assert_allclose(tracks.f0[inside], f0, rtol=0.01)


def test_f0_is_in_semitones_from_100_hz():
    assert value(pulses(200), "f0.voiced.mean") == pytest.approx(12, abs=0.1)


def test_f0_survives_noise_and_a_telephone_band():
    rng = np.random.default_rng(0)
    clip = pulses(150)
    clip = lfilter([1, -1], [1, -0.9], clip)  # little is left below 300 Hz
    clip += 0.2 * clip.std() * rng.standard_normal(clip.size)
    tracks = FeatureExtractor().tracks(clip)
    assert tracks.voiced.mean() > 0.95
    assert np.nanmedian(tracks.f0) == pytest.approx(150, rel=0.01)


def test_slow_drift_is_no_voice():
    rng = np.random.default_rng(0)
    radius = np.exp(-np.pi * 4 / RATE)
    resonance = [1, -2 * radius * np.cos(2 * np.pi * 5 / RATE), radius**2]  # 4 Hz wide at 5 Hz
    drift = lfilter([1], resonance, rng.standard_normal(RATE))
    hiss = 0.3 * drift.std() * rng.standard_normal(RATE)
    assert FeatureExtractor().tracks(drift + hiss).voiced.mean() < 0.1


def test_noise_is_voiceless():
    assert FeatureExtractor().tracks(noise(2, RATE)).voiced.mean() < 0.05


def test_pulses_are_more_periodic_than_noisy_pulses():
    noisy = pulses(150) + 0.5 * pulses(150).std() * noise(1, RATE, level=1)
    assert value(pulses(150), "hnr.voiced.mean") > value(noisy, "hnr.voiced.mean") + 6


def test_a_vibrating_voice_has_more_jitter():
    t = np.arange(RATE) / RATE
    phase = np.cumsum(150 * (1 + 0.05 * np.sin(2 * np.pi * 12 * t))) / RATE
    vibrating = np.diff(np.floor(phase), prepend=0)
    assert value(vibrating, "clip.jitter") > 3 * value(pulses(150), "clip.jitter")


def test_syllables_are_counted():
    t = np.arange(3 * RATE) / RATE
    clip = pulses(150, 3) * (0.01 + np.sin(np.pi * 4 * t) ** 2)
    assert value(clip, "clip.syllable_rate") == pytest.approx(4, abs=0.5)


def test_brighter_sound_has_a_higher_centroid_and_alpha_ratio():
    dull, bright = noise(1, RATE), noise(1, RATE)
    dull = lfilter([1], [1, -0.9], dull)
    for name in ("centroid.all.mean", "alpha.all.mean", "rolloff85.all.mean"):
        assert value(bright, name) > value(dull, name) + 1
    assert value(bright, "hammarberg.all.mean") < value(dull, "hammarberg.all.mean")


def test_h1_h2_measures_the_first_two_harmonics():
    t = np.arange(RATE) / RATE
    clip = np.sin(2 * np.pi * 200 * t) + 0.5 * np.sin(2 * np.pi * 400 * t + 1)
    clip += 0.1 * np.sin(2 * np.pi * 600 * t)
    assert value(clip, "h1_h2.all.p50") == pytest.approx(6, abs=0.5)


def test_correlation_is_fishers_z_and_bounded():
    extractor = FeatureExtractor(FeatureConfig(statistics=("correlation",)))
    features = extractor.extract(voice())
    assert np.abs(features).max() <= np.arctanh(0.98) + 1e-6


# Tables


def test_a_table_has_a_row_for_each_file_and_named_columns(tmp_path):
    extractor = FeatureExtractor(FeatureConfig(families=("pitch",), statistics=("mean", "clip")))
    files = [tmp_path / f"{seed}.wav" for seed in range(2)]
    for seed, file in enumerate(files):
        soundfile.write(file, speech_like(2, RATE, seed=seed), RATE, subtype="FLOAT")
    table = extractor.process(files)
    assert list(table.index) == list(map(str, files))
    assert table.index.name == "file"
    assert tuple(table.columns) == extractor.names
    speech = cut_speech(speech_like(2, RATE, seed=1), RATE)
    np.testing.assert_array_equal(table.loc[str(files[1])], extractor.extract(speech))


def test_a_table_is_made_of_whatever_is_a_clip():
    extractor = FeatureExtractor(FeatureConfig(families=("pitch",), statistics=("mean",)))
    clip = speech_like(2, RATE), RATE
    assert list(extractor.process(clip).index) == [0]
    assert list(extractor.process([clip, clip]).index) == [0, 1]
    assert extractor.process([]).shape == (0, len(extractor.names))


def test_a_file_without_features_is_named(tmp_path):
    soundfile.write(tmp_path / "pause.wav", np.zeros(RATE), RATE)
    with pytest.raises(NoSpeechError, match=r"'pause\.wav' has no features: .* is silent"):
        FeatureExtractor().process(tmp_path / "pause.wav")
    with pytest.raises(AudioNotFoundError, match=r"'missing\.wav' was not found"):
        FeatureExtractor().process([tmp_path / "missing.wav"])


def test_an_extractor_shows_what_it_extracts():
    extractor = FeatureExtractor(FeatureConfig(families=("pitch", "mel"), statistics=("mean",)))
    assert repr(extractor) == f"FeatureExtractor(100 features of pitch, mel; hash {extractor.hash})"


# Configuration


def test_the_hash_tells_configurations_apart():
    hashes = {
        FeatureExtractor(config).hash
        for config in (None, FeatureConfig(families=("mfcc",)), FeatureConfig(f0_max=400.0))
    }
    assert len(hashes) == 3
    assert FeatureExtractor().hash == FeatureExtractor(FeatureConfig()).hash


def test_the_hash_tells_versions_of_the_features_apart(monkeypatch):
    before = FeatureExtractor().hash
    monkeypatch.setattr("ser.features.extractor.FEATURE_VERSION", FEATURE_VERSION + 1)
    assert FeatureExtractor().hash != before


def test_a_configuration_survives_json():
    config = FeatureConfig(families=("pitch", "mfcc"), hop=0.005)
    assert FeatureConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"families": ["mfcc", "formants"]}, "'formants' .* mfcc"),
        ({"families": "mfcc"}, "'mfcc'; give a list"),
        ({"families": []}, "one or more"),
        ({"statistics": ["mean", "mean"]}, "each once"),
        ({"statistics": ["median"]}, "'median' .* percentiles"),
        ({"sample_rate": 4000}, "4000; give 8000 to 192000 Hz"),
        ({"sample_rate": "16 kHz"}, "'16 kHz'; give a whole number"),
        ({"window": 0.02}, "0.02 s; give at least 2 periods of f0_min, 0.033 s"),
        ({"hop": 0.0}, "hop is 0.0; give a number above 0"),
        ({"hop": 0.05}, "hop is 0.05 s; .* 0.04 s"),
        ({"n_mfcc": 49}, "n_mfcc is 49; .* 48"),
        ({"n_mels": 500}, "n_mels is 500; .* 128"),
        ({"f0_min": 600.0}, "600 to 500 Hz"),
        ({"n_fft": 2048}, "'n_fft' is not a feature setting"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_allowed(settings, message):
    with pytest.raises(FeatureConfigError, match=message):
        FeatureConfig.from_dict(settings)


@pytest.mark.parametrize(("rate", "length", "number"), [(24_000, 1440, 48), (8_000, 512, 20)])
def test_mel_filters_are_those_of_librosa(rate, length, number):
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(sr=rate, n_fft=length, n_mels=number, fmin=50, norm=None)
    np.testing.assert_allclose(mel_filters(rate, length, number, 50.0), expected, atol=1e-6)
    hertz = np.array([0, 60, 999, 1000, 1001, 8000])
    np.testing.assert_allclose(hertz_to_mel(hertz), librosa.hz_to_mel(hertz))
    np.testing.assert_allclose(mel_to_hertz(hertz_to_mel(hertz)), hertz, atol=1e-9)
