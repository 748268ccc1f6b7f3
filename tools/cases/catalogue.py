"""The cases: each a name, what is right, and a check that returns whether it is, with what was seen."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from harness.audio import AudioError, read_raw, read_wav_bytes, wav_bytes
from harness.backends.http_stream import Listening
from harness.core.records import Outcome, Samples, VerdictWord
from tools.cases.material import Recording, findings_of, verdict_of, view_of_clip, word_errors

Answer = tuple[bool, str]
Speech = Mapping[str, Recording]


@dataclass(frozen=True)
class Case:
    """One small input. ``needs_speech``: it changes a recording, and cannot be tried without."""

    name: str
    right: str
    check: Callable[[Speech], Answer]
    needs_speech: bool = False


def _errors(text: str, transcript: str, language: str, errors: int, words: int | None = None) -> Case:
    def check(speech: Speech) -> Answer:
        count = word_errors(text, transcript, language)
        return count[0] == errors and words in (None, count[1]), f"{count[0]} errors of {count[1]} words"

    right = f"{errors} errors" + (f" of {words}" if words is not None else "")
    return Case(f"A3, A4 {language}: {text[:24]!r}", right, check)


def _speech_of(recording: Recording, seconds: float) -> Samples:
    """Return the loudest stretch of that length, faded in and out."""
    width = int(seconds * recording.rate)
    sums = np.concatenate([[0.0], np.cumsum(np.square(recording.samples, dtype=np.float64))])
    at = int(np.argmax(sums[width:] - sums[:-width]))
    piece = recording.samples[at : at + width].copy()
    ramp = np.linspace(0, 1, int(0.02 * recording.rate), dtype=np.float32)
    piece[: len(ramp)] *= ramp
    piece[-len(ramp) :] *= ramp[::-1]
    return np.pad(piece, int(0.1 * recording.rate))


MARKUP = '<speak><prosody rate="slow" pitch="-2st">Hi there.</prosody></speak>'


def _markup(speech: Speech) -> Answer:
    one = speech["LJ001-0002"]
    findings = findings_of(view_of_clip(MARKUP, _speech_of(one, 0.7), one.rate))
    return not findings, str(findings) or "clean"


def _pause(seconds: float, text: str, faulty: bool) -> Callable[[Speech], Answer]:
    def check(speech: Speech) -> Answer:
        one, other = speech["LJ001-0002"], speech["LJ001-0004"]
        silence = np.zeros(int(seconds * one.rate), np.float32)
        sound = np.concatenate([one.samples, silence, other.samples])
        findings = findings_of(view_of_clip(text.format(one.text, other.text), sound, one.rate))
        return ("internal-silence" in findings) is faulty, str(findings)

    return check


def _unspoken(text: str, word: VerdictWord, outcome: Outcome = Outcome.OK, sound: Samples | None = None) -> Case:
    def check(speech: Speech) -> Answer:
        heard = "" if sound is not None else None
        verdict = verdict_of(view_of_clip(text, sound, heard=heard, outcome=outcome))
        return verdict.word is word, f"{verdict.word.value}: {verdict.reason or [f.fault for f in verdict.findings]}"

    kind = (
        outcome.value if sound is None else f"{len(sound) / 24_000:.1f} s of {'zeros' if not sound.any() else 'noise'}"
    )
    return Case(f"{text!r} answered by {kind}", word.value, check)


def _babble(speech: Speech) -> Answer:
    one = speech["LJ001-0004"]
    verdict = verdict_of(view_of_clip("?!", one.samples[: 4 * one.rate], one.rate, heard=one.text))
    return [f.fault for f in verdict.findings] == ["inserted-words"], f"{verdict.word.value}: {verdict.findings}"


def _raw_wav(pieces: int) -> Callable[[Speech], Answer]:
    def check(speech: Speech) -> Answer:
        one = speech["LJ001-0002"]
        body = b"".join(wav_bytes(part, one.rate, "PCM_16") for part in np.array_split(one.samples, pieces))
        read = read_raw(body, "PCM_16", 1, one.rate)
        same = len(read.samples) == len(one.samples) and float(np.abs(read.samples - one.samples).max()) < 1e-3
        heard = Listening("pcm", one.rate * 2.0)
        heard.feed(body[:44], 1.0)
        heard.feed(body[44:], 2.0)
        noted = any("WAV header" in note for note in read.repairs)
        return same and noted and heard.first_sample == 2.0, "; ".join(read.repairs)

    return check


def _other_rate(speech: Speech) -> Answer:
    one = speech["LJ001-0002"]
    read = read_raw(wav_bytes(one.samples, one.rate, "PCM_16"), "PCM_16", 1, 24_000)
    return read.sample_rate == one.rate and "24000" in read.repairs[-1], read.repairs[-1]


def _raises(data: bytes, word: str) -> Callable[[Speech], Answer]:
    def check(speech: Speech) -> Answer:
        try:
            read_raw(data, "PCM_16", 1, 24_000)
        except AudioError as error:
            return word in str(error), str(error)
        return False, "read as samples"

    return check


def _log_after(speech: Speech) -> Answer:
    one = speech["LJ001-0002"]
    read = read_wav_bytes(wav_bytes(one.samples, one.rate, "PCM_16") + b"Done in 0.52 seconds\n")
    findings = findings_of(view_of_clip(one.text, read.samples, read.sample_rate, repairs=read.repairs))
    noted = any("Done in" in note for note in read.repairs)
    return noted and "wav-header" not in findings and len(read.samples) == len(one.samples), "; ".join(read.repairs)


def _log_before(speech: Speech) -> Answer:
    one = speech["LJ001-0002"]
    try:
        read_wav_bytes(b"Done in 0.52 seconds\n" + wav_bytes(one.samples, one.rate, "PCM_16"))
    except AudioError as error:
        return "Done in" in str(error), str(error)
    return False, "read as audio"


def _cut_early(speech: Speech) -> Answer:
    """Cut the last 0.35 s off speech, and count the recordings in which that is named: most must be."""
    named = 0
    for one in speech.values():
        loud = np.flatnonzero(np.abs(one.samples) > 0.01 * np.abs(one.samples).max())
        cut = one.samples[: int(loud[-1]) - int(0.35 * one.rate)]
        named += "truncated-ending" in findings_of(view_of_clip(one.text, cut, one.rate))
    healthy = sum("truncated-ending" in findings_of(view_of_clip(o.text, o.samples, o.rate)) for o in speech.values())
    return named >= 0.75 * len(speech) and healthy == 0, f"{named} of {len(speech)} named, {healthy} alarms uncut"


def _cut_loud(speech: Speech) -> Answer:
    one = speech["LJ001-0004"]
    cut = one.samples[: -int(0.25 * one.rate)].copy()
    width = int(0.02 * one.rate)
    piece = _speech_of(one, 0.2)[int(0.15 * one.rate) :][:width]
    level = np.sqrt(np.mean(np.square(one.samples)) * 2) * 10 ** (3 / 20)
    cut[-width:] = piece / max(float(np.sqrt(np.mean(piece**2))), 1e-9) * level
    findings = findings_of(view_of_clip(one.text, cut, one.rate))
    return "truncated-ending" in findings, str(findings)


def _taken_out(speech: Speech) -> Answer:
    one = speech["LJ001-0003"]
    kept, lost = int(0.8 * one.rate), int(0.023 * one.rate)
    pieces = [one.samples[at : at + kept] for at in range(0, len(one.samples), kept + lost)]
    findings = findings_of(view_of_clip(one.text, np.concatenate(pieces), one.rate))
    detail = findings.get("click", "")
    places = [f"{0.8 * number:.2f}" for number in range(1, len(pieces))]
    listed = sum(place in detail for place in places)
    return listed == len(places), f"{listed} of {len(places)} seams listed: {detail}"


def _holes(speech: Speech) -> Answer:
    one = speech["LJ001-0003"]
    sound, fade, width = one.samples.copy(), int(0.003 * one.rate), int(0.02 * one.rate)
    shape = np.concatenate([np.linspace(1, 0, fade), np.zeros(width - 2 * fade), np.linspace(0, 1, fade)])
    for at in range(int(0.2 * one.rate), len(sound) - width, int(0.25 * one.rate)):
        sound[at : at + width] *= shape.astype(np.float32)
    findings = findings_of(view_of_clip(one.text, sound, one.rate))
    return "dropouts" in findings, str(findings)


def _wrapped(speech: Speech) -> Answer:
    one = speech["LJ001-0004"]
    loud = one.samples / np.sort(np.abs(one.samples))[-30]
    integers = np.round(loud * 32768).astype(np.int64)
    sound = ((integers + 32768) % 65536 - 32768).astype(np.float32) / 32768
    findings = findings_of(view_of_clip(one.text, sound, one.rate))
    return bool(findings), str(findings)


_ZEROS = np.zeros(12_000, np.float32)
_FAINT = (0.003 * np.random.default_rng(1).uniform(-1, 1, 12_000)).astype(np.float32)
_MP3 = b"ID3" + struct.pack(">I", 0) * 100
_NOTHING = VerdictWord.NOTHING_TO_SPEAK

CASES: tuple[Case, ...] = (
    Case("A2 markup", "clean", _markup, True),
    Case("A2 pause of 3 s that is asked for", "no dead air", _pause(3.0, '{} <break time="3s"/> {}', False), True),
    Case("A2 no pause where one is asked for", "no dead air", _pause(0.0, '{} <break time="3s"/> {}', False), True),
    Case("A2 [pause:1000ms], 1 s", "no dead air", _pause(1.0, "{} [pause:1000ms] {}", False), True),
    Case("A2 3.5 s of silence that nobody asked for", "internal-silence", _pause(3.5, "{} {}", True), True),
    _errors(
        "I don’t think we’ll go, because it’s late and they’re tired.",
        "I don't think we'll go, because it's late and they're tired.",
        "en",
        0,
    ),
    *(_errors(f"I don{mark}t know", "I don't know", "en", 0) for mark in "\u02bc\u201b\uff07\u2019"),
    _errors("rock ’n’ roll", "rock 'n' roll", "en", 0),
    _errors("उसकी भाई का घर", "उसके भाई के घर", "hi", 2, 4),
    _errors("كِتَابٌ", "كتاب", "ar", 0, 1),
    _errors("שָׁלוֹם", "שלום", "he", 0, 1),
    _errors("เก้า", "เกา", "th", 1),
    *(
        _unspoken(text, _NOTHING, outcome, sound)
        for text in ("?!", "* * *", "\U0001f600", "...")
        for outcome, sound in (
            (Outcome.OK, _ZEROS),
            (Outcome.OK, _FAINT),
            (Outcome.NO_AUDIO, None),
            (Outcome.ERROR, None),
        )
    ),
    _unspoken("?!", VerdictWord.FAULTY, Outcome.CRASH),
    _unspoken("* * *", VerdictWord.FAULTY, Outcome.HANG),
    _unspoken("Yes.", VerdictWord.FAULTY, Outcome.ERROR),
    Case("A5 four seconds of speech for '?!'", "inserted-words", _babble, True),
    Case("A6 WAV where raw samples were asked for", "header taken out and noted", _raw_wav(1), True),
    Case("A6 three WAVs joined", "headers taken out and noted", _raw_wav(3), True),
    Case("A6 a header of another rate", "the rate is compared", _other_rate, True),
    Case("A6 MP3 where raw samples were asked for", "MP3 is named", _raises(_MP3, "MP3")),
    Case("A6 Ogg where raw samples were asked for", "Ogg is named", _raises(b"OggS" + bytes(400), "Ogg")),
    Case("A6 FLAC where raw samples were asked for", "FLAC is named", _raises(b"fLaC" + bytes(400), "FLAC")),
    Case("S1 speech that ends 0.35 s early", "truncated-ending", _cut_early, True),
    Case("S1 the last 20 ms at +3 dB", "truncated-ending", _cut_loud, True),
    Case("S2 a log line after the WAV", "noted, no fault", _log_after, True),
    Case("S2 a log line before the WAV", "quoted", _log_before, True),
    Case("S4 23 ms taken out every 0.8 s", "all seams listed", _taken_out, True),
    Case("S4 20 ms muted every 0.25 s, with fades", "dropouts", _holes, True),
    Case("S5 30 samples wrapped to 16 bits", "faulty", _wrapped, True),
)
