"""Numbers read as other numbers: Flite reads a text whose digits were moved, and is judged by the text as written.

The reference is the same voice reading the text as it is; the clean copy reads it as it is, a little slower.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Any

from harness.core.records import Chunk, Finding, ReferenceRecord, Request, Variant
from harness.detectors import catalogue
from harness.experiments.injection.actions import BEFORE, InjectionState
from harness.experiments.sensitivity import Trials, Twin
from harness.experiments.sensitivity.figures import recall_rows, recall_rows_json
from harness.experiments.sensitivity.trial import InjectionTrial, TrialOutcome
from harness.verdicts import Limits, VerdictPolicy
from tools.sensitivity.healthy import twin
from tools.sensitivity.voices import VOICES, Voice

NAME = "number-misread"
HEARD = frozenset({"intelligibility", "edit_likelihood"})
TEXTS = (
    "There were {} apples in the basket by the door.",
    "The train to the coast leaves from platform {} in the morning.",
    "She counted {} birds on the wire before breakfast.",
    "He paid {} pounds for the old clock and the chair.",
    "The house at number {} has a green gate and a lamp.",
    "They walked {} miles along the river on the first day.",
)
ASR = "whisper"
PLAIN = VOICES[0]
SLOWER = PLAIN.again(slower=1.1)


def texts(count: int, seed: int) -> list[str]:
    """Return ``count`` different texts with one number from 2 to 99 each."""
    rng = random.Random(seed)
    every = [text.format(number) for text in TEXTS for number in range(2, 100)]
    return rng.sample(every, count)


def misread(text: str) -> str:
    """Return the text as the injector of the class has it read."""
    return BEFORE["misread"](Request("c", text, 0), {}, InjectionState()).text


def run(count: int, seed: int) -> dict[str, Any]:
    """Return recall and false alarms of the class on ``count`` texts by the recognizer that knows the voice."""
    fault = catalogue()[NAME]
    (injector,) = fault.injectors
    trials = Trials(VerdictPolicy(Limits.default()), {name: {"asr": ASR} for name in HEARD})
    tried: list[InjectionTrial] = []
    alarms = 0
    for number, text in enumerate(texts(count, seed)):
        chunk = Chunk(f"n{number}", text)
        usual = fault.evidence(_spoken(chunk, PLAIN, text, trials).view).value
        record = ReferenceRecord(chunk.id, {NAME: () if usual is None else (usual,)})
        struck = _judged(chunk, PLAIN, misread(text), record, trials)
        names, unjudged = [one.fault for one in struck[0]], struck[1]
        answer = TrialOutcome.of(NAME, names, unjudged)
        tried.append(InjectionTrial(NAME, injector.name or NAME, injector.preset, PLAIN.name, answer, tuple(names)))
        alarms += bool(_judged(chunk, SLOWER, text, record, trials)[0])
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "seed": seed,
        "voice": PLAIN.name,
        "asr": ASR,
        "rows": recall_rows_json(recall_rows(tried)),
        "clean": count,
        "alarms": alarms,
    }


def _judged(
    chunk: Chunk, voice: Voice, text: str, record: ReferenceRecord, trials: Trials
) -> tuple[list[Finding], dict[str, str]]:
    view = replace(_spoken(chunk, voice, text, trials), reference=record).view
    return trials.judge.findings(view, [catalogue()[NAME].evidence(view)])


def _spoken(chunk: Chunk, voice: Voice, text: str, trials: Trials) -> Twin:
    bare = twin(voice.name, chunk, voice.say(text), Variant(voice.name, "recorded"))
    return replace(bare, observations=trials.score(bare, HEARD))
