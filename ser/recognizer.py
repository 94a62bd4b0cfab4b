"""The recogniser: from a clip to an emotion, with the model of a model folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser.audio.clips import each_clip, is_clip
from ser.audio.loading import read_recording
from ser.errors import AudioError
from ser.model.analysis import Analysis, analyse
from ser.model.config import ModelConfig
from ser.model.prediction import Prediction, make_prediction
from ser.model.voice_profile import OwnSpeech, VoiceProfile, check_profile, check_use, learn_profile
from ser.model_source import find_model
from ser.storage.assembly import make_classifier, make_extractor
from ser.storage.atomic_folder import replace_folder
from ser.storage.audit import ModelFolder
from ser.storage.folder import MARK, is_model_file
from ser.threads import one_thread
from ser.timeline import Timeline, timeline_steps

if TYPE_CHECKING:
    from ser.hub.repository import Published


class EmotionRecognizer:
    """Recognises emotion in speech. Safe to use from several threads.

    Parameters
    ----------
    folder : ser.storage.folder.ModelFolder
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
            If there is no such folder, the audit refuses the model, or it has no revisions.
        HubError
            If the repository or revision cannot be fetched.
        """
        found = find_model(
            path_or_repo_id,
            revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            force_download=force_download,
        )
        return cls(
            found.folder,
            source=found.source,
            revision=found.revision,
            requested_revision=found.requested_revision,
        )

    def __call__(
        self, clips: Any, *, voice: VoiceProfile | Any = None, same_speaker: bool = False
    ) -> Prediction | list[Prediction]:
        """Recognise one clip or several, as the pipelines of Hugging Face's transformers do.

        Parameters
        ----------
        clips, voice, same_speaker
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
        results = []
        for result in self.predict_many(clips, voice=voice, same_speaker=same_speaker):
            if isinstance(result, AudioError):
                raise result
            results.append(result)
        return results[0] if is_clip(clips) else results

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
        reference = self.reference(voice)
        return self.assess(self.analyse(clip), reference)

    @one_thread()
    def analyse(self, clip: Any) -> Analysis:
        """Do what depends on the clip alone, before `assess`; errors are those of `predict`."""
        recording = read_recording(clip, self.sample_rate)
        return analyse(recording, self._extractor, self._settings.speeds)

    @one_thread()
    def assess(self, analysis: Analysis, reference: VoiceProfile | None = None) -> Prediction:
        """Recognise the emotion in a clip that was analysed, perhaps relative to a voice.

        Parameters
        ----------
        analysis : Analysis
            Of `analyse`.
        reference : VoiceProfile, optional
            Of `voice_profile`, or of the speaker's other clips.
        """
        (probabilities,) = self._classifier.predict_proba(
            analysis.features[None], references=None if reference is None else reference.features
        )
        by_label = dict.fromkeys(self.labels, 0.0)
        for index, probability in zip(self._classifier.classes_, probabilities, strict=True):
            by_label[self.labels[index]] = float(probability)
        return make_prediction(analysis, by_label, reference)

    def predict_many(
        self, clips: Any, *, voice: VoiceProfile | Any = None, same_speaker: bool = False
    ) -> Iterator[Prediction | AudioError]:
        """Recognise the emotion in one clip after another.

        Parameters
        ----------
        clips : iterable of clips, or clip
            As `predict` takes them; each is read when its turn comes.
        voice : VoiceProfile, or clip or clips, optional
            As `predict` takes it; for all of the clips.
        same_speaker : bool
            Whether one person speaks in all clips: each is then judged relative to the others, if
            these are at least `ser.model.voice_profile.MIN_REFERENCE`. All are read before the
            first result; their features, not their sound, are kept until then.

        Yields
        ------
        Prediction or AudioError
            In the order of `clips`; a clip that fails yields its error, and the rest continue.

        Raises
        ------
        AudioError, VoiceProfileError
            As for `voice_profile`, before the first clip is read; also if both a voice is given
            and `same_speaker`.
        """
        profile = self.reference(voice, same_speaker=same_speaker)
        found: Iterable[Analysis | AudioError] = map(self._try, each_clip(clips))
        own = None
        if same_speaker:
            found = list(found)
            own = OwnSpeech([each for each in found if isinstance(each, Analysis)])
        for each in found:
            if isinstance(each, AudioError):
                yield each
            else:
                yield self.assess(each, own.others(each) if own else profile)

    def _try(self, clip: Any) -> Analysis | AudioError:
        try:
            return self.analyse(clip)
        except AudioError as error:
            return error.light()

    def timeline(
        self, clip: Any, *, voice: VoiceProfile | Any = None, same_speaker: bool = False
    ) -> Timeline:
        """Recognise the emotion in every window of a recording; see also `timeline_steps`.

        Parameters
        ----------
        clip, voice
            As for `predict`.
        same_speaker : bool
            Whether one person speaks in all of it: each window is then judged relative to the
            rest of the recording, if that holds enough speech; `Timeline.reference` tells.

        Raises
        ------
        AudioError, VoiceProfileError
            As for `predict_many` and `predict`; a `NoSpeechError` if no window holds speech.
        """
        *_, (_, _, timeline) = timeline_steps(self, clip, voice=voice, same_speaker=same_speaker)
        assert timeline is not None  # with the last step
        return timeline

    @property
    def knows_voices(self) -> bool:
        """Whether clips can be judged relative to a voice."""
        return self._classifier.knows_voices

    def reference(
        self, voice: VoiceProfile | Any = None, *, same_speaker: bool = False
    ) -> VoiceProfile | None:
        """Return the profile of a voice if one is given; errors are those of `voice_profile`."""
        if same_speaker:
            check_use(self.knows_voices, self.source, has_voice=voice is not None)
        return None if voice is None else self.voice_profile(voice)

    @one_thread()
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
        check_use(self.knows_voices, self.source)
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
