"""The recogniser: from a clip to an emotion, with the model of a model folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser.audio.activity import find_activity
from ser.audio.clips import each_clip, is_clip
from ser.audio.levels import speech_level
from ser.audio.loading import read_recording
from ser.audio.quality import recording_warnings
from ser.audio.rumble import remove_rumble
from ser.audio.speech_check import check_speech, clarity
from ser.audio.speed import at_speeds
from ser.errors import AudioError, VoiceProfileError
from ser.model.assembly import make_classifier, make_extractor
from ser.model.atomic_folder import replace_folder
from ser.model.config import ModelConfig
from ser.model.folder import MARK, ModelFolder, is_model_file, read_model_folder
from ser.model.prediction import Prediction
from ser.model.voice_profile import VoiceProfile, check_profile, learn_profile
from ser.timeline import Timeline, timeline_steps

if TYPE_CHECKING:
    from ser.hub.repository import Published

SHIPPED_MODEL = Path(__file__).parent / "pretrained"

_REPOSITORY = re.compile(r"(?P<repo_id>[a-zA-Z0-9][\w.-]*/[a-zA-Z0-9][\w.-]*)(@(?P<revision>.+))?")


class EmotionRecognizer:
    """Recognises emotion in speech. Safe to use from several threads.

    Parameters
    ----------
    folder : ser.model.folder.ModelFolder
        An audited model; `from_pretrained` reads one.
    source : str
        Where the model is from: a folder or a Hub repository.
    revision : str, optional
        Commit of the Hub repository.
    requested_revision : str, optional
        The branch, tag or commit that the caller named.

    Attributes
    ----------
    labels : tuple of str
        Emotions in the order of the probabilities.
    sample_rate : int
        To which clips are resampled, in Hz.
    config, metrics : dict
        Contents of ``config.json`` and ``metrics.json``.
    files : dict of str to bytes
        Every file of the model by name, such as ``"examples/metadata.csv"``.
    source, revision, requested_revision : str or None
        As above.

    Raises
    ------
    FeatureMismatchError
        If the model was trained on other features than this version extracts.
    ModelFormatError
        If features, classifier and labels of the model do not fit each other.
    """

    def __init__(
        self,
        folder: ModelFolder,
        *,
        source: str,
        revision: str | None = None,
        requested_revision: str | None = None,
    ) -> None:
        self.config: dict[str, Any] = folder.config
        self.metrics: dict[str, Any] = folder.metrics
        self._settings = ModelConfig.from_dict(folder.config["model"])
        self.labels = self._settings.labels
        self.source = source
        self.revision = revision
        self.requested_revision = requested_revision
        self.files: dict[str, bytes] = folder.files
        self._extractor = make_extractor(folder.config, source)
        self.sample_rate = self._extractor.config.sample_rate
        self._classifier = make_classifier(folder, len(self._extractor.names), source)

    def __repr__(self) -> str:
        revision = "" if self.revision is None else f", revision={self.revision!r}"
        return f"EmotionRecognizer(source={self.source!r}{revision}, labels={self.labels!r})"

    @classmethod
    def from_pretrained(
        cls,
        path_or_repo_id: str | Path | None = None,
        *,
        revision: str | None = None,
        token: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
    ) -> EmotionRecognizer:
        """Load a model.

        Parameters
        ----------
        path_or_repo_id : str or Path, optional
            A model folder, or a repository on the Hugging Face Hub: ``OWNER/NAME`` or
            ``OWNER/NAME@REVISION``. By default the model that ships with the package.
        revision, token, cache_dir, local_files_only, force_download
            As for `ser.hub.repository.pull_model`, if it is a repository.

        Raises
        ------
        ModelError
            If there is no such folder, or the audit refuses the model.
        HubError
            If the repository or revision cannot be fetched.
        """
        source = SHIPPED_MODEL if path_or_repo_id is None else path_or_repo_id
        repository = _REPOSITORY.fullmatch(str(source))
        if repository is None or Path(source).exists():
            return cls(read_model_folder(source), source=str(source))
        from ser.hub.repository import pull_model

        repo_id, revision = repository["repo_id"], revision or repository["revision"]
        folder, commit = pull_model(
            repo_id,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            force_download=force_download,
        )
        return cls(folder, source=repo_id, revision=commit, requested_revision=revision)

    def __call__(
        self, clips: Any, *, voice: VoiceProfile | Any = None
    ) -> Prediction | list[Prediction]:
        """Recognise one clip or several, as the pipelines of Hugging Face's transformers do.

        Parameters
        ----------
        clips, voice
            As for `predict_many`.

        Returns
        -------
        Prediction or list of Prediction
            One for one clip, a list in the order of the clips for several.

        Raises
        ------
        AudioError, VoiceProfileError
            As for `predict`, of the first clip that fails; `predict_many` goes on after it.
        """
        if is_clip(clips):
            return self.predict(clips, voice=voice)
        profile = None if voice is None else self.voice_profile(voice)
        return [self.predict(clip, voice=profile) for clip in clips]

    def predict(self, clip: Any, *, voice: VoiceProfile | Any = None) -> Prediction:
        """Recognise the emotion in a clip.

        Parameters
        ----------
        clip : str, Path, bytes, file object, (ndarray, int) or dict
            As `ser.audio.loading.read_recording` takes it.
        voice : VoiceProfile, or clip or clips, optional
            The speaker's everyday voice, which `voice_profile` learns: the clip is then
            judged relative to it.

        Raises
        ------
        AudioError
            If a clip cannot be read or has no speech in it.
        VoiceProfileError
            As for `voice_profile`.
        """
        profile = None if voice is None else self.voice_profile(voice)
        sample_rate, speeds = self.sample_rate, self._settings.speeds
        recording = read_recording(clip, sample_rate)
        waveform = recording.waveform
        activity = find_activity(waveform, sample_rate)
        filtered = remove_rumble(waveform, sample_rate)
        spoken = filtered[activity.kept]
        tracks = [self._extractor.tracks(each) for each in at_speeds(spoken, sample_rate, speeds)]
        warnings = [*recording.notes, *check_speech(tracks[0])]
        features = np.stack([self._extractor.summarise(each) for each in tracks])
        (probabilities,), _ = self._classifier.assess(
            features[None], profile=profile, levels=[speech_level(spoken)]
        )
        warnings += recording_warnings(
            waveform, sample_rate, activity.span, clarity=clarity(tracks[0]), filtered=filtered
        )
        by_label = dict.fromkeys(self.labels, 0.0)
        for index, probability in zip(self._classifier.classes_, probabilities, strict=True):
            by_label[self.labels[index]] = float(probability)
        emotion = max(by_label, key=by_label.__getitem__)
        start, stop = activity.span.start, activity.span.stop
        return Prediction(
            emotion=emotion,
            confidence=by_label[emotion],
            probabilities=by_label,
            duration=waveform.size / sample_rate,
            speech_duration=(stop - start) / sample_rate,
            speech_start=start / sample_rate,
            speech_end=stop / sample_rate,
            warnings=warnings,
        )

    def predict_many(
        self, clips: Any, *, voice: VoiceProfile | Any = None
    ) -> Iterator[Prediction | AudioError]:
        """Recognise the emotion in one clip after another.

        Parameters
        ----------
        clips : iterable of clips, or clip
            As `predict` takes them; each is read when its turn comes.
        voice : VoiceProfile, or clip or clips, optional
            As `predict` takes it; for all of the clips.

        Yields
        ------
        Prediction or AudioError
            In the order of `clips`; a clip that fails yields its error, and the rest continue.

        Raises
        ------
        AudioError, VoiceProfileError
            As for `voice_profile`, before the first clip is read.
        """
        profile = None if voice is None else self.voice_profile(voice)
        for clip in each_clip(clips):
            try:
                yield self.predict(clip, voice=profile)
            except AudioError as error:
                yield error

    def timeline(self, clip: Any, *, voice: VoiceProfile | Any = None) -> Timeline:
        """Recognise the emotion in every window of a recording; see also `timeline_steps`.

        Parameters
        ----------
        clip, voice
            As for `predict`.

        Raises
        ------
        AudioError, VoiceProfileError
            As for `predict`; a `NoSpeechError` if no window holds speech.
        """
        *_, (_, _, timeline) = timeline_steps(self, clip, voice=voice)
        assert timeline is not None  # with the last step
        return timeline

    def voice_profile(self, clips: VoiceProfile | Any) -> VoiceProfile:
        """Learn someone's everyday voice.

        Parameters
        ----------
        clips : clip or iterable of clips
            Everyday speech, each clip as `predict` takes it; at least 3 s of speech in all. A
            VoiceProfile is returned as it is, if it suits this model.

        Returns
        -------
        VoiceProfile
            For `predict` of this model, or of another one with the same features.

        Raises
        ------
        AudioError
            If a clip cannot be read or has no speech in it.
        VoiceProfileError
            If there is too little speech, the model cannot use a profile, or a given one was
            made by a model with other features.
        """
        if not self._classifier.knows_voices:
            raise VoiceProfileError(
                f"The model '{self.source}' cannot use a voice profile: it was trained without "
                "neutral speech to compare voices with."
            )
        if isinstance(clips, VoiceProfile):
            check_profile(clips, self._extractor, self.source)
            return clips
        return learn_profile(each_clip(clips), self._extractor, self._settings.speeds)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model folder again, byte for byte, with card, pictures and examples.

        Parameters
        ----------
        folder : str or Path
            Where to write; an older model folder there is replaced.

        Raises
        ------
        SerError
            If `folder` holds anything that does not belong to a model, or cannot be written.
        """
        replace_folder(folder, self.files, is_ours=is_model_file, mark=MARK)

    def push_to_hub(self, repo_id: str, **options: Any) -> Published:
        """Publish the model, with card, pictures and examples, in one commit.

        Parameters
        ----------
        repo_id : str
            ``OWNER/NAME``; created if there is no such repository.
        private, token, commit_message, tag, branch, create_pr
            As for `ser.hub.repository.push_model`.

        Raises
        ------
        HubError
            If anything fails; see `ser.hub.repository.push_model`.
        """
        from ser.hub.repository import push_model

        return push_model(self.files, repo_id, **options)
