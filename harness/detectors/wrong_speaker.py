"""Wrong speaker: another voice than was asked for."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import audio, give, loudness, sounding_part, speech
from harness.detectors.base import (
    BaseFault,
    CannotInject,
    CannotJudge,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
    required_payload,
)

LEAST_SPEECH = 3.0  # s; below this the similarity to another recording says little
IN_ITS_RUN = "least_speech"  # s, among what a run knows of its own voice: enough to compare a chunk with that


def other_voice(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Let another voice speak the last ``dose`` of the clip."""
    x, rate = speech(material)
    if material.other is None:
        raise CannotInject("no other voice")
    y, other_rate = speech(material.other)
    begin, end = sounding_part(y, other_rate)  # its pauses at either end are no voice
    y = y[begin:end]
    y = np.interp(np.arange(0, len(y) - 1, other_rate / rate), np.arange(len(y)), y)
    start = int((1 - dose) * len(x))
    return give(material, np.concatenate([x[:start], np.resize(y, len(x) - start)]), start / rate, len(x) / rate)


def shifted(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Raise pitch by ``dose`` semitones, and formants by a quarter of that: the same words from a smaller head."""
    import warnings

    with warnings.catch_warnings():  # it imports pkg_resources, which warns every user of its own removal
        warnings.simplefilter("ignore")
        import pyworld

    x, rate = speech(material)
    rough, times = pyworld.dio(x, rate)
    f0 = pyworld.stonemask(x, rough, times, rate)
    envelope, breath = pyworld.cheaptrick(x, f0, times, rate), pyworld.d4c(x, f0, times, rate)
    bins = np.arange(envelope.shape[1])
    places = np.minimum(bins / 2 ** (dose / 48), bins[-1])
    moved = np.stack([np.interp(places, bins, row) for row in np.log(np.maximum(envelope, 1e-16))])
    spoken = pyworld.synthesize(f0 * 2 ** (dose / 12), np.exp(moved), breath, rate)
    spoken = np.pad(spoken, (0, max(0, len(x) - len(spoken))))[: len(x)]
    return give(material, spoken * loudness(x, rate) / max(loudness(spoken, rate), 1e-9), 0.0, len(x) / rate)


class WrongSpeaker(BaseFault):
    name = "wrong-speaker"
    title = "another voice than was asked for"
    family = Family.WAVEFORM
    causes = (
        "the speaker's prompt is lost at a line break",
        "sampling leaves the voice",
        "a voice mixed up by concurrency",
    )
    observes = ("speaker",)
    unit = "1 - cosine similarity to the voice"
    relation = Relation.EXCESS
    default_margin = 0.15
    default_limit = 0.35
    expects = True
    maximum = 2.0
    sources = (
        Citation("the voice changes within a text", "https://github.com/suno-ai/bark/issues/155"),
        Citation(
            "percentiles of few synthetic renders flag the right voice: fit on held-out texts",
            "https://github.com/dudarenok-maker/Castwright/issues/2793",
        ),
    )
    injectors = (
        *audio("share of the clip", (0.1, 0.3, 0.5, 1.0), 1.0, other_voice),
        *audio("semitones", (2.0, 4.0, 8.0, 12.0), 8.0, shifted, "shifted"),
    )

    def measure(self, view: DetectorInput) -> DetectorValue:
        speaker = required_payload(view, "speaker")
        seconds, similarity = speaker.get("speech_seconds"), speaker.get("similarity")
        if similarity is None:
            raise NotApplicable("no recording of the voice to compare with")
        if seconds is None:
            raise CannotJudge("the amount of speech is unknown")
        least = view.voice.get(IN_ITS_RUN, LEAST_SPEECH)
        if seconds < least:
            raise NotApplicable(f"only {seconds:.1f} s of speech, {least:g} s are needed")
        return DetectorValue(
            1.0 - similarity, None, f"similarity {similarity:.3f} ({speaker.get('encoder', 'unnamed encoder')})"
        )
