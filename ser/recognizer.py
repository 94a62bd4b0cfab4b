"""The recogniser: from a clip to an emotion, with the model of a model folder."""

import re
from pathlib import Path

import numpy as np

from ser.audio.activity import cut_speech, find_speech
from ser.audio.clips import each_clip
from ser.audio.loading import load_audio, read_recording
from ser.audio.quality import recording_warnings
from ser.audio.speech_check import check_speech
from ser.audio.speed import at_speeds
from ser.errors import (
    AudioError,
    FeatureConfigError,
    FeatureMismatchError,
    ModelFormatError,
    VoiceProfileError,
)
from ser.features import FeatureConfig, FeatureExtractor
from ser.model.atomic_folder import replace_folder
from ser.model.classifier import EmotionClassifier
from ser.model.folder import MARK, is_model_file, read_model_folder
from ser.model.prediction import Prediction
from ser.model.voice_profile import (
    MIN_SPEECH,
    VoiceProfile,
    average,
    check_profile,
    pieces,
    speech_level,
)

SHIPPED_MODEL = Path(__file__).parent / "pretrained"

_REPOSITORY = re.compile(r"(?P<repo_id>[a-zA-Z0-9][\w.-]*/[a-zA-Z0-9][\w.-]*)(@(?P<revision>.+))?")


UNLIKE = (
    "This recording differs from the training clips more than 19 in 20 held-out clips do, so the "
    "probabilities may be unreliable."
)
"""Warning for a clip whose novelty only a share of `ser.model.classifier.FALSE_ALARMS` of held-out
clips exceeds."""


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
    asked : str, optional
        The branch, tag or commit that was asked for.

    Attributes
    ----------
    labels : tuple of str
        Emotions in the order of the probabilities.
    config, metrics : dict
        Contents of ``config.json`` and ``metrics.json``.
    files : dict of str to bytes
        Every file of the model by name, such as ``"examples/metadata.csv"``.
    source, revision, asked : str or None
        As above.

    Raises
    ------
    FeatureMismatchError
        If the model was trained on other features than this version extracts.
    ModelFormatError
        If features, classifier and labels of the model do not fit each other.
    """

    def __init__(self, folder, *, source, revision=None, asked=None):
        self.config = folder.config
        self.metrics = folder.metrics
        self.labels = tuple(folder.config["labels"])
        self.source = source
        self.revision = revision
        self.asked = asked
        self.files = folder.files
        self._extractor = _make_extractor(folder.config, source)
        self._classifier = _make_classifier(folder, len(self._extractor.names), source)

    @classmethod
    def from_pretrained(
        cls,
        path_or_repo_id=None,
        *,
        revision=None,
        token=None,
        cache_dir=None,
        local_files_only=False,
        force_download=False,
    ):
        """Load a model.

        Parameters
        ----------
        path_or_repo_id : str or Path, optional
            A model folder, or a repository on the Hugging Face Hub: ``OWNER/NAME`` or
            ``OWNER/NAME@REVISION``. By default the model that ships with the package.
        revision, token, cache_dir, local_files_only, force_download
            As for `ser.hub.repository.pull_model`, if it is a repository.

        Returns
        -------
        EmotionRecognizer

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
        return cls(folder, source=repo_id, revision=commit, asked=revision)

    def predict(self, clip, *, voice=None):
        """Recognise the emotion in a clip.

        Parameters
        ----------
        clip : str, Path, bytes, file object, (ndarray, int) or dict
            As `ser.audio.loading.read_recording` takes it.
        voice : VoiceProfile, or clip or clips, optional
            The speaker's everyday voice, which `voice_profile` learns: the clip is then
            judged relative to it.

        Returns
        -------
        Prediction

        Raises
        ------
        AudioError
            If a clip cannot be read or has no speech in it.
        VoiceProfileError
            As for `voice_profile`.
        """
        profile = None if voice is None else self.voice_profile(voice)
        sample_rate = self.config["sample_rate"]
        recording = read_recording(clip, sample_rate)
        waveform = recording.waveform
        speech = find_speech(waveform, sample_rate)
        spoken = cut_speech(waveform, sample_rate)
        heard = [self._extractor.tracks(version) for version in self._hear(spoken)]
        doubts = check_speech(heard[0])
        features = np.stack([self._extractor.summarise(tracks) for tracks in heard])
        doubts = [*doubts, UNLIKE] if self._classifier.is_novel(features) else doubts
        if profile is None:
            (probabilities,) = self._classifier.predict_proba(features[None])
        else:
            level = speech_level(spoken)
            probabilities = self._classifier.predict_proba_relative(features, level, profile)
        by_label = dict(zip(self.labels, probabilities.tolist(), strict=True))
        emotion = max(by_label, key=by_label.get)
        return Prediction(
            emotion=emotion,
            confidence=by_label[emotion],
            probabilities=by_label,
            duration=waveform.size / sample_rate,
            speech_duration=(speech.stop - speech.start) / sample_rate,
            warnings=[
                *recording.notes,
                *doubts,
                *recording_warnings(waveform, sample_rate, speech),
            ],
        )

    def voice_profile(self, clips):
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
        sample_rate = self.config["sample_rate"]
        parts = []
        for clip in each_clip(clips):
            waveform = load_audio(clip, sample_rate)
            speech = cut_speech(waveform, sample_rate)
            check_speech(self._extractor.tracks(self._hear(speech)[0]))
            parts += pieces(speech, sample_rate)
        seconds = sum(part.size for part in parts) / sample_rate
        if seconds < MIN_SPEECH:
            raise VoiceProfileError(
                f"The clips hold {seconds:.1f} s of speech in all; give at least {MIN_SPEECH:g} s "
                "of everyday speech."
            )
        return average(
            [[self._extractor.extract(each) for each in self._hear(part)] for part in parts],
            [speech_level(part) for part in parts],
            self._extractor.hash,
        )

    def _hear(self, speech):
        return at_speeds(speech, self.config["sample_rate"], self.config["speeds"])

    def predict_many(self, clips):
        """Recognise the emotion in one clip after another.

        Parameters
        ----------
        clips : iterable of clips, or clip
            As `predict` takes them; each is read when its turn comes.

        Yields
        ------
        Prediction or AudioError
            In the order of `clips`; a clip that fails yields its error, and the rest continue.
        """
        for clip in each_clip(clips):
            try:
                yield self.predict(clip)
            except AudioError as error:
                yield error

    def save_pretrained(self, folder):
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

    def push_to_hub(self, repo_id, **options):
        """Publish the model, with card, pictures and examples, in one commit.

        Parameters
        ----------
        repo_id : str
            ``OWNER/NAME``; created if there is no such repository.
        private, token, commit_message, tag, branch, create_pr
            As for `ser.hub.repository.push_model`.

        Returns
        -------
        ser.hub.repository.Published

        Raises
        ------
        HubError
            If anything fails; see `ser.hub.repository.push_model`.
        """
        from ser.hub.repository import push_model

        return push_model(self.files, repo_id, **options)


def _make_extractor(config, source):
    try:
        extractor = FeatureExtractor(FeatureConfig.from_dict(config["features"]))
    except FeatureConfigError as error:
        raise FeatureMismatchError(
            f"The model '{source}' (features {config['feature_hash']}) needs features that this "
            f"version does not have: {error}"
        ) from error
    if extractor.hash != config["feature_hash"]:
        raise FeatureMismatchError(
            f"The model '{source}' was trained on features {config['feature_hash']}, but this "
            f"version extracts features {extractor.hash}: train it again, or use the version of "
            "ser that trained it."
        )
    if extractor.config.sample_rate != config["sample_rate"]:
        raise ModelFormatError(
            f"The config.json of '{source}' has sample_rate {config['sample_rate']}, but features "
            f"at {extractor.config.sample_rate} Hz: write it again with train.py."
        )
    return extractor


def _make_classifier(folder, n_features, source):
    try:
        classifier = EmotionClassifier.from_model(folder.model, folder.config)
        classifier.check(n_features)
    except Exception as error:
        raise ModelFormatError(
            f"The classifier of '{source}' does not fit its features and labels: it is not a "
            "model of ser; train it again with train.py."
        ) from error
    return classifier
