"""Bisecting the shipped voice: hybrids, planted causes named, bad input in one line, a resume that repeats nothing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from harness.causes.bisect.bench import MEASURED
from harness.causes.bisect.confirm import confirm
from harness.causes.bisect.gguf import TENSORS
from harness.causes.bisect.hybrid import write_hybrid, write_model
from harness.causes.bisect.listening import HeardOutcome, compatible_with, worse_p_value
from harness.causes.bisect.model_file import GgufModel, differing_metadata, differing_tensors, refuse_other_model
from harness.causes.bisect.names import named_set
from harness.causes.bisect.quantize_line import quantize_line, tensor_rules
from harness.causes.bisect.run import run_bisect
from harness.causes.bisect.search import SearchResult
from harness.causes.bisect.verdict import BisectReport, bisect_claims, statement
from harness.cli import main
from harness.core.errors import ConfigError
from harness.core.records import Chunk
from harness.core.variants import load_variants
from harness.corpora import load_corpus, make_corpus
from harness.engine.plan import Plan
from harness.engine.progress import Quiet
from harness.store import Run
from tests._killed import KilledAfterTrials
from tests._places import ROOT
from tools.causes.broken_models import plant_quantized, plant_swap, plant_zero_row

VOICE = ROOT / "voices" / "duo"
needs_llama = pytest.mark.skipif(
    importlib.util.find_spec("llama_cpp") is None, reason="needs llama-cpp-python (extra 'divergence')"
)


def model(name: str) -> GgufModel:
    return GgufModel(VOICE / f"{name}.gguf", name)


def plan_against_f16(path: Path, reports: Path) -> Plan:
    """A bisect of a model file by its arithmetic alone, on one short text."""
    f16 = next(one for one in load_variants(ROOT / "variants.toml") if one.name == "f16")
    broken = replace(f16, name="broken", settings={**f16.settings, "model": str(path)}, reference=False)
    chunk = next(one for one in load_corpus("book").chunks if one.id == "book-0005")
    return Plan(
        suite="bisect",
        corpus=make_corpus("one", [chunk], "book"),
        variants=(f16, broken),
        selection={"f16": (chunk.id,), "broken": (chunk.id,)},
        reports=reports,
        reference=f16,
        experiment={"bisect": {"generations": 1, "search": 0, "verify": 0}},
        quiet_chunks=0,
    )


def answer(path: Path) -> tuple[str, set[str], str]:
    with Run.open(path) as run:
        (claim,) = run.claims()
    return claim.details["word"], set(claim.details["restored"]), claim.statement


# ------------------------------------------------------------------------------------------- files
def test_a_hybrid_holds_the_chosen_tensors_and_all_else_of_the_variant(tmp_path):
    chosen = {"blk.2.ffn_up.weight", "token_embd.weight"}
    write_hybrid(model("q2_k"), model("f16"), chosen, tmp_path / "hybrid.gguf")
    hybrid = GgufModel(tmp_path / "hybrid.gguf", "hybrid")
    assert set(differing_tensors(hybrid, model("q2_k"))) == chosen
    assert not chosen & set(differing_tensors(hybrid, model("f16")))
    own, other = hybrid.fields, model("q2_k").fields
    assert own.keys() == other.keys()
    assert all(own[key].contents() == other[key].contents() for key in own)
    assert [path.name for path in tmp_path.iterdir()] == ["hybrid.gguf"]


def test_every_tensor_of_the_voice_has_a_kind_and_a_layer():
    tensors = model("q4_k_s").tensors
    kinds = Counter(one.kind for one in tensors.values())
    assert kinds["norms"] == 13 and kinds["embeddings"] == 1 and kinds["feed-forward gate"] == 6
    assert kinds["attention q"] == kinds["attention k"] == kinds["attention v"] == kinds["attention output"] == 6
    assert kinds["other"] == 1  # rope_freqs
    assert tensors["blk.5.attn_q.weight"].layer == 5 and tensors["output_norm.weight"].layer is None


def test_what_a_quantization_writes_of_itself_is_no_cause():
    assert differing_metadata(model("q2_k"), model("f16")) == ()


@needs_llama
def test_the_printed_line_builds_the_hybrid(tmp_path):
    """The rules handed to llama.cpp's own quantizer give the very tensors of the hybrid."""
    variant, reference = model("q2_k"), model("f16")
    restored = {"token_embd.weight", "blk.0.ffn_up.weight", "blk.3.ffn_up.weight", "blk.5.attn_q.weight"}
    rules = tensor_rules(reference, restored)
    assert quantize_line(variant, reference, restored) == (
        r"llama-quantize --tensor-type '^token_embd\.weight$=f16' --tensor-type '^blk\.(0|3)\.ffn_up\.weight$=f16' "
        r"--tensor-type '^blk\.5\.attn_q\.weight$=f16' f16.gguf restored-q2_k.gguf Q2_K"
    )
    write_hybrid(variant, reference, restored, tmp_path / "hybrid.gguf")
    code = f"""
import ctypes, llama_cpp as l
p = l.llama_model_quantize_default_params()
p.ftype, p.nthread = {l_ftype("MOSTLY_Q2_K")}, 1
rules = {[(rule.pattern, gguf_type(rule.type_name)) for rule in rules]}
a = (l.llama_model_tensor_override * (len(rules) + 1))()
for i, (pattern, kind) in enumerate(rules):
    a[i].pattern, a[i].type = pattern.encode(), kind
a[len(rules)].pattern, a[len(rules)].type = None, 0
p.tt_overrides = a
raise SystemExit(l.llama_model_quantize({str(reference.path)!r}.encode(), {str(tmp_path / "built.gguf")!r}.encode(), p))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    built, hybrid = (GgufModel(tmp_path / f"{name}.gguf", name) for name in ("built", "hybrid"))
    assert differing_tensors(built, hybrid) == ()


def l_ftype(name: str) -> int:
    import gguf

    return int(gguf.LlamaFileType[name])


def gguf_type(name: str) -> int:
    import gguf

    return int(gguf.GGMLQuantizationType[name])


def test_a_set_is_named_by_whole_blocks_and_by_kind():
    kinds = ("ffn_up", "ffn_down", "attn_q", "attn_k", "attn_v")
    of = [f"blk.{i}.{kind}.weight" for i in range(4) for kind in kinds] + ["token_embd.weight"]
    chosen = [f"blk.1.{kind}.weight" for kind in kinds] + ["blk.0.ffn_up.weight", "blk.3.ffn_up.weight"]
    assert named_set([*chosen, "token_embd.weight"], of) == "block 1, token_embd.weight, blk.{0,3}.ffn_up"
    assert named_set(chosen[:2], chosen[:2]) == "blk.1.ffn_down, blk.1.ffn_up"


# ------------------------------------------------------------------------------------------- the whole
@needs_llama
@pytest.mark.parametrize("cause", ["quantized", "swapped", "zeroed"])
def test_a_planted_cause_is_named(tmp_path, cause):
    path = tmp_path / "broken.gguf"
    if cause == "quantized":
        planted = plant_quantized(model("q8_0"), model("q2_k"), "blk.5.ffn_gate.weight", path)
    elif cause == "swapped":
        planted = plant_swap(model("q8_0"), 1, 4, path)
    else:
        planted = plant_zero_row(model("f16"), 300, path)
    word, restored, told = answer(run_bisect(plan_against_f16(path, tmp_path / "reports"), Quiet(), None))
    assert word == "restored"
    assert planted & restored
    if cause == "quantized":
        assert restored == planted
    elif cause == "swapped":
        assert {name.split(".")[1] for name in restored} == {"1", "4"}
        assert "holds the reference's blk.4" in told
    else:
        assert restored == planted and "1 of 4096 rows are all zero (ids 300)" in told


@needs_llama
def test_the_reference_against_itself_has_nothing_to_find_and_asks_once(tmp_path):
    path = run_bisect(plan_against_f16(VOICE / "f16.gguf", tmp_path), Quiet(), None)
    word, restored, _ = answer(path)
    assert (word, restored) == ("nothing to find", set())
    with Run.open(path) as run:
        assert len(run.events(MEASURED)) == 1


@needs_llama
def test_other_metadata_are_told_where_no_tensor_is_the_cause(tmp_path):
    changed = model("f16")
    field = changed.fields["llama.rope.freq_base"]
    field.parts[field.data[0]] = np.asarray([500000.0], np.float32)
    path = tmp_path / "other.gguf"
    write_model(changed, {name: changed.raw(name) for name in changed.tensors}, path)
    word, restored, told = answer(run_bisect(plan_against_f16(path, tmp_path / "reports"), Quiet(), None))
    assert (word, restored) == ("no set restores it", set())
    assert "llama.rope.freq_base" in told


@needs_llama
def test_a_killed_bisect_resumed_gives_the_same_answer_and_measures_nothing_twice(tmp_path):
    broken = tmp_path / "broken.gguf"
    plant_swap(model("q8_0"), 0, 5, broken)
    plan = plan_against_f16(broken, tmp_path / "reports")
    with pytest.raises(KeyboardInterrupt):
        run_bisect(plan, KilledAfterTrials(4), None)
    (path,) = [one for one in (tmp_path / "reports").iterdir() if (one / "manifest.json").is_file() and not one.is_symlink()]  # fmt: skip # noqa: E501
    resumed = answer(run_bisect(plan, Quiet(), path))
    whole = run_bisect(replace(plan, reports=tmp_path / "others"), Quiet(), None)
    assert resumed == answer(whole)
    with Run.open(path) as first, Run.open(whole) as second:
        asked = [[tuple(event.data["restored"]) for event in run.events(MEASURED)] for run in (first, second)]
        assert asked[0] == asked[1]
        assert len(first.attempts()) == len(second.attempts()) == 1


# ------------------------------------------------------------------------------------------- listening
def outcome(faulty: int, of: int) -> HeardOutcome:
    return HeardOutcome({f"c{i}": i < faulty for i in range(of)}, {})


def test_a_variant_is_worse_only_where_it_is_shown_on_the_same_texts():
    assert worse_p_value(outcome(10, 40), outcome(2, 40)) < 0.05
    assert worse_p_value(outcome(3, 40), outcome(2, 40)) > 0.05
    assert worse_p_value(outcome(2, 40), outcome(10, 40)) == 1.0
    silent = HeardOutcome({f"c{i}": None for i in range(40)}, {})
    assert worse_p_value(outcome(10, 40), silent) == 1.0


def test_a_set_is_given_up_where_its_faults_are_too_many_for_the_reference():
    assert compatible_with(outcome(1, 10), 0.07)
    assert not compatible_with(outcome(4, 10), 0.07)
    assert not compatible_with(HeardOutcome({"c": None}, {}), 0.07)


def test_a_set_that_new_texts_do_not_confirm_is_not_told_as_restoring():
    search = SearchResult(before=0.2, everything=0.0, target=0.02, after=0.09, complete=True)
    names = frozenset(["blk.0.ffn_up.weight"])
    search.chosen, search.candidates = names, [(names, 0.09)]
    report = BisectReport("q2_k", "f16", search, TENSORS, costs={"blk.0.ffn_up.weight": 10}, audible=names, worse=0.01)
    report.verified = {"f16": outcome(4, 40), "q2_k": outcome(12, 40), "hybrid": outcome(5, 40)}
    assert statement(report).startswith("q2_k against f16: not confirmed on other texts: blk.0.ffn_up (1 of 1")
    assert [claim.passed for claim in bisect_claims(report)] == [True, False]
    report.verified["hybrid"] = outcome(4, 40)
    assert statement(report).startswith("q2_k against f16: restored by blk.0.ffn_up (1 of 1")


def test_a_set_that_is_refused_on_new_texts_gives_way_to_the_next_larger_on_texts_of_its_own():
    sets = [frozenset("a"), frozenset("ab"), frozenset("abc")]
    rounds = [[Chunk(f"{number}-{i}", "text") for i in range(40)] for number in range(3)]
    faults = {1: 12, 2: 7, 3: 4}
    asked = []

    def hear(names, arm, texts):
        asked.append((len(names), arm, texts[0].id))
        return {"f16": outcome(4, 40), "q2_k": outcome(12, 40), "hybrid": outcome(faults[len(names)], 40)}

    def report(first, texts):
        search = SearchResult(before=0.2, everything=0.0, target=0.02, after=0.01, complete=True)
        search.chosen, search.candidates = sets[2], [(names, 0.1 / len(names)) for names in sets]
        one = BisectReport("q2_k", "f16", search, TENSORS, costs=dict.fromkeys("abc", 10), audible=first, worse=0.01)
        confirm(one, texts, hear)
        return one

    last = report(sets[0], rounds)
    assert asked == [(1, "verify", "0-0"), (2, "verify-2", "1-0"), (3, "verify-3", "2-0")]
    assert (last.audible, last.verification) == (sets[2], True)
    assert [len(names) for names, _ in last.unconfirmed] == [1, 2]
    assert "smaller sets were refused on texts of their own: 1 with 12 of 40 faulty" in statement(last)
    short = report(sets[0], rounds[:2])  # no texts are left for the third
    assert (short.audible, short.verification) == (sets[1], False)
    assert "not confirmed on other texts" in statement(short)
    assert report(sets[2], rounds).unconfirmed == []


# ------------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (b"RIFF....", "broken.gguf is not a GGUF file"),
        (b"GGUF\x03\x00\x00\x00", "broken.gguf is damaged"),
        (b"", "broken.gguf is not a GGUF file"),
    ],
)
def test_a_file_that_is_no_model_is_one_line(tmp_path, broken, told):
    (tmp_path / "broken.gguf").write_bytes(broken)
    with pytest.raises(ConfigError, match=told) as raised:
        run_bisect(plan_against_f16(tmp_path / "broken.gguf", tmp_path / "reports"), Quiet(), None)
    assert len(str(raised.value).splitlines()) == 1
    assert not (tmp_path / "reports").exists()


def test_another_set_of_tensors_is_refused_by_name(tmp_path):
    f16 = model("f16")
    rest = {name: f16.raw(name) for name in f16.tensors if name != "blk.5.attn_q.weight"}
    write_model(f16, rest, tmp_path / "less.gguf")
    with pytest.raises(ConfigError, match=r"blk\.5\.attn_q\.weight only in f16\.gguf"):
        refuse_other_model(GgufModel(tmp_path / "less.gguf", "less"), f16)


def test_variants_without_a_model_are_refused_with_exit_code_4(tmp_path):
    (tmp_path / "v.toml").write_text("[variants.a]\nadapter = 'null'\n[variants.b]\nadapter = 'null'\n")
    asked = ["bisect", "a", "--against", "b", "--variants", str(tmp_path / "v.toml"), "--reports", str(tmp_path / "r")]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 4
    assert "bisect: a and b (adapter null) have no models to exchange parts of" in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_nothing_to_resume_is_one_line(tmp_path):
    asked = ["bisect", "q2_k", "--against", "f16", "--resume", "--reports", str(tmp_path)]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 4
    assert "no bisect of q2_k against f16 that --resume could go on with" in result.output


@needs_llama
def test_the_command_names_the_cause_and_its_exit_codes_tell_the_answers_apart(tmp_path):
    plant_zero_row(model("f16"), 300, tmp_path / "broken.gguf")
    (tmp_path / "v.toml").write_text(
        f"[defaults]\nadapter = 'llama_codec'\n[defaults.settings]\nvoice_dir = {str(VOICE)!r}\n"
        f"[variants.right]\nmodel = {str(VOICE / 'f16.gguf')!r}\n[variants.broken]\nmodel = 'broken.gguf'\n"
    )
    (tmp_path / "texts.txt").write_text("He was in there.\n")
    more = ["--variants", str(tmp_path / "v.toml"), "--reports", str(tmp_path / "r"), "--chunks", "0"]
    more += ["--corpus", str(tmp_path / "texts.txt")]
    result = CliRunner().invoke(main, ["bisect", "broken", "--against", "right", *more])
    assert result.exit_code == 0, result.output
    assert "restored by token_embd.weight" in result.output and "llama-quantize --tensor-type" in result.output
    again = CliRunner().invoke(main, ["bisect", "broken", "--against", "right", *more, "--resume"])
    assert again.exit_code == 0 and "restored by token_embd.weight" in again.output
    assert len(list((tmp_path / "r" / "causes").glob("*/manifest.json"))) == 2  # the run, and the link to the latest
    assert CliRunner().invoke(main, ["bisect", "right", "--against", "right", *more]).exit_code == 6
    assert CliRunner().invoke(main, ["bisect", "broken", "--against", "right", *more, "--minutes", "0.0001"]).exit_code == 2  # fmt: skip # noqa: E501


def test_an_unknown_reference_is_told_with_the_nearest_name(tmp_path):
    result = CliRunner().invoke(main, ["bisect", "q2_k", "--against", "f61"])
    assert result.exit_code == 4 and "unknown variant 'f61' (did you mean 'f16'?)" in result.output
