"""Shared clips reach the dataset once each, whatever happens, and nothing goes without consent."""

import io
import os
import time
from types import SimpleNamespace

import pytest
import soundfile
from signals import speech_like

from ser.errors import AudioError, HubError, SharingError

REPO = "ada/clips"
RECOGNIZER = SimpleNamespace(
    labels=("calm", "angry"), source="ada/voices", revision="c0ffee", config={"sha256": "abc"}
)
PREDICTION = SimpleNamespace(
    emotion="calm", confidence=0.75, probabilities={"calm": 0.75, "angry": 0.25}
)
sharing = None
VOICE = (speech_like(seconds=1.0), 24000)


def start(interval=1000):
    """Begin sharing in this process, in place of what an earlier test began."""
    import ser.hub.sharing

    global sharing
    if sharing is not None:
        sharing.stop()
    sharing = ser.hub.sharing.ClipSharing(REPO, interval=interval)
    return sharing.terms


def share(clip=VOICE, **options):
    options = {"emotion": "angry", "consent": True} | options
    sharing.share(clip, PREDICTION, options.pop("recognizer", RECOGNIZER), **options)


def flush():
    sharing.flush()


def from_environment(value):
    from ser.hub.sharing import ClipSharing

    os.environ.pop("SER_SHARE_DATASET", None)
    if value is not None:
        os.environ["SER_SHARE_DATASET"] = value
    return ClipSharing.from_environment() is not None


def load():
    import datasets

    rows = datasets.load_dataset(REPO, split="train")
    return [dict(row) for row in rows]


def waiting(machine):
    folder = machine.home / "ser"
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def shared_files(hub):
    repo = hub.repos.get(("dataset", REPO))
    return [name for name in repo.files if name.startswith("data/")] if repo else []


def test_two_clips_one_while_the_hub_is_away_are_both_in_the_dataset(hub, machine):
    terms = machine.run(start)
    assert REPO in terms and "CC BY-NC-SA 4.0" in terms
    machine.run(share)
    machine.run(flush)
    hub.go_away()
    machine.run(share, emotion="calm")
    with pytest.raises(HubError, match="cannot be reached"):
        machine.run(flush)
    assert len(waiting(machine)) == 1
    hub.come_back()
    machine.run(flush)
    assert len(shared_files(hub)) == 2 and not waiting(machine)
    assert hub.repos["dataset", REPO].files["README.md"].startswith(b"---\nlicense:")

    rows = machine.run(load)
    assert [row["emotion"] for row in rows].count("angry") == 1 and len(rows) == 2
    row = rows[0]
    assert row.keys() == {
        *("audio", "emotion", "predicted", "confidence", "probabilities"),
        *("model", "revision", "time"),
    }
    assert (row["predicted"], row["confidence"]) == ("calm", 0.75)
    assert row["probabilities"] == [
        {"emotion": "calm", "probability": 0.75},
        {"emotion": "angry", "probability": 0.25},
    ]
    assert (row["model"], row["revision"]) == ("ada/voices", "c0ffee")
    samples, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]))
    assert abs(samples.size / rate - VOICE[0].size / VOICE[1]) < 0.01


@pytest.mark.parametrize("consent", [False, None, "yes"])
def test_without_consent_nothing_is_written(hub, machine, consent):
    machine.run(start)
    with pytest.raises(SharingError, match="tick the consent box"):
        machine.run(share, consent=consent)
    machine.run(flush)
    assert not waiting(machine) and not hub.repos and not hub.requests


def test_what_cannot_be_shared_is_refused(hub, machine):
    machine.run(start)
    with pytest.raises(SharingError, match="which emotion it was, calm, angry"):
        machine.run(share, emotion="jolly")
    with pytest.raises(AudioError):
        machine.run(share, clip=b"no audio")
    assert not waiting(machine)


def test_clips_that_a_crash_left_go_up_at_the_next_start(hub, machine):
    hub.go_away()
    machine.run(start)
    for emotion in ("angry", "calm", "calm"):  # the same twice is one
        machine.run(share, emotion=emotion)
    hub.come_back()
    machine.run(start)
    machine.run(flush)
    commits = hub.repos["dataset", REPO].commits
    assert len(shared_files(hub)) == 2 and not waiting(machine)
    assert [len(commit.files) for commit in commits[1:]] == [4]  # one commit, README included


def test_a_clip_whose_deletion_a_crash_prevented_is_not_doubled(hub, machine):
    machine.run(start)
    machine.run(share)
    (path,) = waiting(machine)
    content = path.read_bytes()
    machine.run(flush)
    path.write_bytes(content)
    machine.run(flush)
    assert shared_files(hub) == [f"data/{path.name}"] and not waiting(machine)


def test_a_refusal_keeps_the_clips(hub, machine):
    machine.run(start)
    machine.run(share)
    hub.refuse = lambda method, path: (403, "read-only token") if "/commit/" in path else None
    with pytest.raises(HubError, match="not allowed"):
        machine.run(flush)
    assert len(waiting(machine)) == 1


def test_only_the_sound_of_a_file_is_shared(hub, machine, tmp_path):
    named = tmp_path / "secret name.flac"
    with soundfile.SoundFile(named, "w", 24000, 1) as file:
        file.comment = "recorded by Jane Doe"
        file.write(VOICE[0])
    machine.run(start)
    machine.run(share, clip=named)
    (path,) = waiting(machine)
    content = path.read_bytes()
    for private in (b"secret", b"Jane", os.fsencode(tmp_path)):
        assert private not in content


def test_a_model_in_a_folder_is_named_without_the_folder(hub, machine):
    local = SimpleNamespace(
        labels=("calm", "angry"), source="/home/me/model", revision=None, config={"sha256": "abc"}
    )
    machine.run(start)
    machine.run(share, recognizer=local)
    machine.run(flush)
    (row,) = machine.run(load)
    assert (row["model"], row["revision"]) == ("model", "abc")


def test_the_environment_turns_it_on(hub, machine):
    assert not machine.run(from_environment, None)
    assert machine.run(from_environment, REPO)
    for name in ("no name", "clips"):
        with pytest.raises(SharingError, match=rf"'{name}'.* give OWNER/NAME"):
            machine.run(from_environment, name)


def test_it_goes_up_by_itself(hub, machine):
    machine.run(start, interval=0.05)
    machine.run(share)
    deadline = time.monotonic() + 30
    while not shared_files(hub) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(shared_files(hub)) == 1


def limit_queue(n_bytes):
    import ser.hub.sharing

    before, ser.hub.sharing.MAX_QUEUE = ser.hub.sharing.MAX_QUEUE, n_bytes
    return before


def test_the_queue_has_a_limit(hub, machine):
    machine.run(start)
    machine.run(share)
    (clip,) = waiting(machine)
    before = machine.run(limit_queue, clip.stat().st_size + 1000)
    with pytest.raises(SharingError, match="too many clips wait for the Hub"):
        machine.run(share, emotion="calm")
    machine.run(limit_queue, before)
    machine.run(share, emotion="calm")
    assert len(waiting(machine)) == 2
