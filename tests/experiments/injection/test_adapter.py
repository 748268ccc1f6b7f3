"""Faults put into a living session through the adapter ``faulty``: real workers, known chunks."""

import numpy as np
import pytest

from harness.backends import ADAPTERS
from harness.backends.worker import Worker
from harness.core.errors import ConfigError
from harness.core.records import Outcome, Request, Synthesis, Variant
from harness.core.variants import load_variants
from harness.experiments.injection import InjectionRule, faulty
from tests._places import ROOT

SPEECHLIKE = Variant("plain", "null", {"mode": "speechlike", "tokens": True, "cap": 2000})
TEXT = "a man and a plan for the canal that ran on and on"


def ask(chunk_id, text=TEXT, seed=5):
    return Request(chunk_id, text, seed)


def speak(variant, tmp_path, *requests):
    worker = Worker(variant, tmp_path)
    worker.start()
    try:
        replies = []
        for request in requests:
            if not worker.alive:
                worker.restart()
            replies.append(worker.request(request))
        return replies
    finally:
        worker.stop()


def test_only_the_named_chunk_is_spoiled_and_says_so(tmp_path):
    broken = faulty(SPEECHLIKE, [{"fault": "short-repeat", "chunks": ["b"]}])
    clean = speak(SPEECHLIKE, tmp_path, ask("a"), ask("b"))
    spoken = speak(broken, tmp_path, ask("a"), ask("b"))
    np.testing.assert_array_equal(spoken[0].samples, clean[0].samples)
    assert "injected" not in spoken[0].notes
    assert not np.array_equal(spoken[1].samples, clean[1].samples)
    (note,) = spoken[1].notes["injected"]
    assert note["fault"] == "short-repeat" and note["dose"] == 1.0
    start, end = (round(t * 24000) for t in note["span"])
    inside = spoken[1].samples[start:end]
    np.testing.assert_array_equal(inside[4:], inside[:-4])


def test_the_same_plan_spoils_the_same_way_again(tmp_path):
    broken = faulty(SPEECHLIKE, [{"fault": "click", "fraction": 0.5}], seed=3)
    asked = [ask(f"c{i}", f"{TEXT} {i}") for i in range(8)]
    once, again = speak(broken, tmp_path, *asked), speak(broken, tmp_path, *asked)
    struck = ["injected" in reply.notes for reply in once]
    assert any(struck) and not all(struck)
    for a, b in zip(once, again, strict=True):
        np.testing.assert_array_equal(a.samples, b.samples)


@pytest.mark.parametrize(
    ("fault", "injector", "outcome"),
    [
        ("crash", None, Outcome.CRASH),
        ("crash", "exit", Outcome.CRASH),
        ("process-error", None, Outcome.ERROR),
        ("empty-output", None, Outcome.NO_AUDIO),
        ("bad-wav", None, Outcome.BAD_AUDIO),
    ],
)
def test_the_process_fails_for_real_and_the_next_request_is_served(tmp_path, fault, injector, outcome):
    broken = faulty(SPEECHLIKE, [{"fault": fault, "injector": injector, "chunks": ["b"]}])
    first, second, third = speak(broken, tmp_path, ask("a"), ask("b"), ask("c"))
    assert [r.outcome for r in (first, second, third)] == [Outcome.OK, outcome, Outcome.OK]


def test_every_second_request_of_the_process_is_struck(tmp_path):
    broken = faulty(SPEECHLIKE, [{"fault": "silence", "every": 2}])
    replies = speak(broken, tmp_path, *(ask(f"c{i}") for i in range(4)))
    assert [float(np.abs(r.samples).max()) < 1e-3 for r in replies] == [False, True, False, True]


def test_tokens_are_spoiled_and_counted_again(tmp_path):
    broken = faulty(SPEECHLIKE, [{"fault": "token-loop", "dose": 24.0}, {"fault": "token-range", "dose": 0.1}])
    (clean,), (spoken,) = speak(SPEECHLIKE, tmp_path, ask("a")), speak(broken, tmp_path, ask("a"))
    assert spoken.token_count == len(spoken.tokens) == clean.token_count + 24
    assert spoken.tokens.max() >= 256


def test_a_seed_that_is_ignored_and_state_that_is_kept(tmp_path):
    unseeded = faulty(SPEECHLIKE, [{"fault": "nondeterminism"}])
    a, b = speak(unseeded, tmp_path, ask("a"), ask("a"))
    assert not np.array_equal(a.samples, b.samples)
    bleeding = faulty(SPEECHLIKE, [{"fault": "state-bleed", "injector": "keep-state", "dose": 4.0}])
    first, second = speak(bleeding, tmp_path, ask("a"), ask("b", "only three words"))
    alone = speak(SPEECHLIKE, tmp_path, ask("b", "that ran on and only three words"))[0]
    assert len(second.samples) > 0.3 * 6 * 24000 and len(first.samples) > 0
    assert abs(len(second.samples) - len(alone.samples)) < 2 * 24000


def test_an_answer_that_belongs_to_the_request_before(tmp_path):
    swapped = faulty(SPEECHLIKE, [{"fault": "response-swap", "chunks": ["b"]}])
    first, second = speak(swapped, tmp_path, ask("a"), ask("b", "another text"))
    np.testing.assert_array_equal(first.samples, second.samples)


def test_a_file_cut_short_is_repaired_and_noted(tmp_path):
    cut = faulty(SPEECHLIKE, [{"fault": "wav-header", "chunks": ["b"]}])
    first, second = speak(cut, tmp_path, ask("a"), ask("b"))
    assert second.outcome is Outcome.OK and second.notes["repairs"]
    assert len(second.samples) < 0.7 * len(first.samples)


def test_memory_leaks_by_the_megabytes_asked_for(tmp_path):
    leaking = faulty(SPEECHLIKE, [{"fault": "memory-leak", "dose": 20.0}])
    replies = speak(leaking, tmp_path, *(ask(f"c{i}") for i in range(6)))
    grown = replies[-1].rss_bytes - replies[0].rss_bytes
    assert 0.8 * 5 * 20e6 < grown < 1.5 * 5 * 20e6


def test_what_has_no_room_is_noted_and_nothing_is_changed(tmp_path):
    broken = faulty(SPEECHLIKE, [{"fault": "state-bleed", "injector": "state-bleed"}])
    (clean,), (spoken,) = speak(SPEECHLIKE, tmp_path, ask("a")), speak(broken, tmp_path, ask("a"))
    assert "nothing was spoken before" in spoken.notes["injected"][0]["reason"]
    np.testing.assert_array_equal(spoken.samples, clean.samples)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"fault": "clik"}, "did you mean 'click'"),
        ({"fault": "crash", "injector": "kil"}, "did you mean 'kill'"),
        ({"fault": "click", "doze": 3.0}, "did you mean 'dose'"),
        ({"fault": "click", "every": 0}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_plan_is_one_line(entry, says):
    with pytest.raises(ConfigError, match=says):
        faulty(SPEECHLIKE, [entry])


def test_a_plan_in_a_variants_file_is_checked_with_the_inner_adapter(tmp_path):
    file = tmp_path / "v.toml"
    file.write_text(
        "[variants.canary]\nadapter = 'faulty'\n[variants.canary.settings]\nmode = 'speechlike'\n"
        "[variants.canary.settings.faulty]\nadapter = 'null'\nplan = [{ fault = 'noise', every = 2 }]\n"
    )
    (variant,) = load_variants(file)
    ADAPTERS.get("faulty").check(variant)
    replies = speak(variant, tmp_path, ask("a"), ask("b"))
    assert ["injected" in r.notes for r in replies] == [False, True]
    file.write_text(file.read_text().replace("mode = 'speechlike'", "mod = 'speechlike'"))
    with pytest.raises(ConfigError, match="did you mean 'mode'"):
        ADAPTERS.get("faulty").check(load_variants(file)[0])


def test_strikes_and_tables_mean_the_same():
    as_table = faulty(SPEECHLIKE, [{"fault": "click", "every": 3}])
    assert faulty(SPEECHLIKE, [InjectionRule(fault="click", every=3)]).settings == as_table.settings


def test_the_embedded_voice_decodes_spoiled_tokens_again(tmp_path):
    root = ROOT
    variants = {v.name: v for v in load_variants(root / "variants.toml")}
    voice = variants["q4_k_s"]
    broken = faulty(voice, [{"fault": "codebook-collapse", "dose": 64.0, "chunks": ["b"]}, {"fault": "loop"}])
    text = "The harbour was quiet when we came back."
    spoken: list[Synthesis] = speak(broken, tmp_path, ask("a", text), ask("b", text))
    assert len(np.unique(spoken[1].tokens[:, 0])) == 1 < len(np.unique(spoken[0].tokens[:, 0]))
    notes = [n["fault"] for n in spoken[1].notes["injected"]]
    assert notes == ["codebook-collapse", "loop"]


def test_a_wrapped_variant_keeps_the_folder_of_its_file(tmp_path):
    """Relative paths of programs and scripts are looked for beside the variants file, faults or none."""
    from harness.backends.inputs import base_folder
    from harness.core.records import Variant
    from harness.experiments.injection import faulty as wrap
    from harness.experiments.injection.plan import inner, read_plan

    own = Variant("v", "python", {"call": "mine.py:speak", "arguments": {}}, source=str(tmp_path / "v.toml"))
    wrapped = wrap(own, [{"fault": "silence"}])
    assert base_folder(wrapped) == base_folder(inner(wrapped, read_plan(wrapped))) == tmp_path
