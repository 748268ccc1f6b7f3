"""variants.toml: what a user gets wrong is one line with file, line, key and the nearest valid choice."""

from pathlib import Path

import pytest

from harness.core.errors import ConfigError
from harness.core.records import SeedPolicy
from harness.core.variants import load_variants
from tests._places import ROOT


def write(folder: Path, text: str) -> Path:
    path = folder / "variants.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_variants(write(folder, text))
    message = str(caught.value)
    assert "\n" not in message
    assert "variants.toml" in message
    return message


def test_defaults_are_merged_and_settings_key_by_key(tmp_path):
    (tmp_path / "a.gguf").write_bytes(b"x")
    path = write(
        tmp_path,
        """
        [defaults]
        adapter = "null"
        seed = 3
        [defaults.settings]
        temperature = 0.6
        top_p = 0.9
        [variants.a]
        model = "a.gguf"
        seed_policy = "fixed"
        [variants.a.settings]
        temperature = 0.2
        """,
    )
    (variant,) = load_variants(path)
    assert (variant.name, variant.adapter, variant.seed) == ("a", "null", 3)
    assert variant.seed_policy is SeedPolicy.FIXED
    assert variant.settings == {"temperature": 0.2, "top_p": 0.9, "model": str(tmp_path / "a.gguf")}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[variants.a]\nadapter = 'null'\ntemprature = 1\n", [":3:", "temprature", "unknown key"]),
        ("[variants.a]\nadapter = 'null'\nvoise = 'x'\n", [":3:", "voise", "did you mean 'voice'"]),
        ("[variants.a]\nadapter = 'null'\nseed = 'seven'\n", [":3:", "variants.a.seed", "integer"]),
        ("[variants.a]\nadapter = 'null'\nseed_policy = 'per-chunks'\n", [":3:", "did you mean 'per-chunk'"]),
        ("[variants.a]\nseed = 1\n", ["variants.a.adapter", "missing"]),
        ("[variants.a]\nadapter = 'null'\nmodel = 'no/such.gguf'\n", [":3:", "variants.a.model", "no/such.gguf"]),
        ("[variant.a]\nadapter = 'null'\n", ["[variant]", "did you mean 'variants'"]),
        ("", ["no [variants.NAME] table"]),
        ("[variants.a\n", ["not valid TOML"]),
        ("[variants.'a b']\nadapter = 'null'\n", ["'a b'"]),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path, text, parts):
    message = refusal(tmp_path, text)
    for part in parts:
        assert part in message


def test_two_references_are_refused_by_name(tmp_path):
    text = "[defaults]\nadapter='null'\n[variants.a]\nreference=true\n[variants.b]\nreference=true\n"
    message = refusal(tmp_path, text)
    assert "'a'" in message
    assert "'b'" in message
    assert ":6:" in message


def test_a_missing_model_suggests_the_file_beside_it(tmp_path):
    (tmp_path / "voice-q4_k_s.gguf").write_bytes(b"x")
    message = refusal(tmp_path, "[variants.a]\nadapter='null'\nmodel='voice-q4_ks.gguf'\n")
    assert "did you mean 'voice-q4_k_s.gguf'" in message


def test_an_absent_file_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match="cannot read the variants file"):
        load_variants(tmp_path / "absent.toml")


def test_a_file_that_is_not_utf8_is_one_line(tmp_path):
    path = tmp_path / "variants.toml"
    path.write_bytes(b"[variants.a]\nadapter = '\xff'\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_variants(path)


def test_the_shipped_files_are_read(tmp_path):
    everywhere = [variant.name for variant in load_variants(ROOT / "variants.toml") if not variant.suites]
    assert everywhere == ["f16", "q8_0", "q5_k_m", "q4_k_m", "q4_k_s", "q2_k"]
    (tmp_path / "models").mkdir()
    for name in ("f16", "q4_k_s"):
        (tmp_path / "models" / f"{name}.gguf").write_bytes(b"x")
    example = (ROOT / "harness" / "data" / "variants.example.toml").read_text(encoding="utf-8")
    assert [v.reference for v in load_variants(write(tmp_path, example))] == [True, False]
