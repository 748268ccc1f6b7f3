"""Token layout: what is generated is taken apart without hiding what went wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.audio.codec import Codec, decode_codes, load_codec, to_parameters, valid_frames, warped_basis
from harness.backends.voice.geometry import Geometry, load_geometry
from harness.backends.voice.layout import MISSING, marker_errors, parse_generated, phone_ends, prompt
from harness.core.errors import ConfigError
from tests._places import ROOT

DESCRIPTION = ROOT / "voices" / "duo" / "voice.json"


PHONES = ("pau", "hh", "ax0", "l", "ow1")


@pytest.fixture(scope="module", params=[True, False], ids=["says its phones", "counts only"])
def geometry(request: pytest.FixtureRequest) -> Geometry:
    return replace(load_geometry(DESCRIPTION), says_phones=request.param)


def frame(geometry: Geometry, *codes: int) -> list[int]:
    return [b.offset + c for b, c in zip(geometry.codebooks, codes, strict=True)]


def marker(geometry: Geometry, index: int) -> int:
    return geometry.marker_offset + index % geometry.markers


def said(geometry: Geometry, index: int) -> list[int]:
    """A marker, and the phone behind it in a voice that says them."""
    phone = geometry.phone_offset + geometry.phones.index(PHONES[index]) if index < len(PHONES) else None
    return [marker(geometry, index), *([phone] if geometry.says_phones and phone is not None else [])]


def healthy(geometry: Geometry) -> list[int]:
    out = []
    for i in range(len(PHONES)):
        out += [*said(geometry, i), *frame(geometry, i, i + 1, i + 2), *frame(geometry, i, i, i)]
    return [*out, marker(geometry, len(PHONES)), geometry.eos]


def test_prompt_has_a_marker_for_each_phone_and_a_last_one(geometry: Geometry) -> None:
    asked = prompt(["pau", "dh", "ax0", "pau"], 4, geometry, start=geometry.markers - 1)
    assert asked[0] == geometry.bos
    first = 2 if geometry.says_phones else 1
    assert asked[first : first + 8 : 2][:4] == [marker(geometry, i - 1) for i in range(4)]
    assert asked[-3:] == [marker(geometry, 3), geometry.end, 4]
    with pytest.raises(ValueError, match="zz"):
        prompt(["zz"], 4, geometry)


def test_healthy_tokens_come_back_as_codes_and_times(geometry: Geometry) -> None:
    reading = parse_generated(healthy(geometry), geometry)
    assert reading.codes.shape == (10, 3)
    assert reading.codes[2].tolist() == [1, 2, 3]
    assert (reading.malformed_tokens, reading.ended, reading.speech_tokens) == (0, True, 30)
    assert marker_errors(reading, PHONES, geometry) == (0, 0)
    assert phone_ends(reading, PHONES, geometry) == pytest.approx([0.08, 0.16, 0.24, 0.32, 0.4])


def test_disorder_is_counted_and_stays_visible(geometry: Geometry) -> None:
    a, b, c = frame(geometry, 7, 8, 9)
    phone = geometry.phone_offset  # in the middle of frames it belongs to nothing
    reading = parse_generated(
        [a, b, a, b, c, b, c, marker(geometry, 0), *said(geometry, 0)[1:], phone, b, c, a], geometry
    )
    assert reading.malformed_tokens == 4
    assert reading.codes[:3].tolist() == [[7, 8, MISSING], [7, 8, 9], [MISSING, 8, 9]]
    assert reading.codes[3, 0] < 0 or reading.codes[3, 0] >= geometry.codebook_sizes[0]
    assert reading.codes[-1].tolist() == [7, MISSING, MISSING]
    assert not reading.ended


def test_repeated_and_lost_markers_are_told_apart(geometry: Geometry) -> None:
    reading = parse_generated([token for i in (0, 1, 2, 1, 2, 3) for token in said(geometry, i)], geometry)
    assert marker_errors(reading, PHONES, geometry) == (2, 2)
    assert phone_ends(reading, PHONES, geometry) is None


def test_a_marker_with_another_phone_is_not_met(geometry: Geometry) -> None:
    tokens = healthy(geometry)
    wrong = (*PHONES[:2], "ey1", *PHONES[3:])
    reading = parse_generated(tokens, geometry)
    if geometry.says_phones:
        assert marker_errors(reading, wrong, geometry) == (1, 1)
        assert phone_ends(reading, wrong, geometry) is None
    else:  # counting cannot tell
        assert marker_errors(reading, wrong, geometry) == (0, 0)


@given(st.lists(st.integers(0, 3000), max_size=60))
def test_any_tokens_give_whole_frames(tokens: list[int]) -> None:
    reading = parse_generated(tokens, load_geometry(DESCRIPTION))
    assert reading.codes.shape[1] == 3
    assert reading.speech_tokens <= len(tokens)


@pytest.fixture(scope="module")
def codec() -> Codec:
    rng = np.random.default_rng(0)
    prosody = np.zeros((4, 9), np.float32)
    prosody[1:, 2] = 3.0  # voiced throughout
    prosody[1:, 4:] = 1.0
    return Codec(
        mean=np.zeros(100, np.float32),
        stage1=rng.normal(0, 0.1, (8, 100)).astype(np.float32),
        stage2=rng.normal(0, 0.05, (8, 100)).astype(np.float32),
        prosody=prosody,
        cepstral_weight=np.ones(25, np.float32),
    )


def test_decoding_is_exact_and_keeps_time(codec: Codec) -> None:
    codes = np.random.default_rng(1).integers(0, 4, (30, 3))
    first, second = decode_codes(codes, codec), decode_codes(codes, codec)
    assert first.dtype == np.float32
    assert len(first) == 30 * 640
    assert np.array_equal(first, second)
    assert np.isfinite(first).all()


def test_voiced_frames_have_the_coded_pitch(codec: Codec) -> None:
    parameters = to_parameters(np.array([[0, 0, 0], [0, 0, 1]]), codec)
    assert parameters.f0[:8].max() == 0
    assert parameters.f0[8:] == pytest.approx(np.full(8, 175.0))


def test_the_postfilter_sharpens_peaks_and_keeps_energy_and_tilt(codec: Codec) -> None:
    codes = np.random.default_rng(1).integers(0, 4, (6, 3))
    plain, sharp = to_parameters(codes, codec), to_parameters(codes, replace(codec, postfilter=0.5))
    assert np.array_equal(plain.cepstra[:, 1], sharp.cepstra[:, 1])
    levels = [p.cepstra @ warped_basis() for p in (plain, sharp)]
    energies = [np.log(np.exp(2 * level).mean(1)) for level in levels]
    assert energies[0] == pytest.approx(energies[1], abs=0.01)
    without_tilt = [
        level - p.cepstra[:, :2] @ warped_basis()[:2] for level, p in zip(levels, (plain, sharp), strict=True)
    ]
    assert np.ptp(without_tilt[1], axis=1) == pytest.approx(1.5 * np.ptp(without_tilt[0], axis=1))
    assert np.array_equal(plain.f0, sharp.f0)


def test_codebooks_of_before_have_no_postfilter(codec: Codec, tmp_path: Path) -> None:
    old = {name: getattr(codec, name) for name in ("stage1", "stage2", "prosody", "cepstral_weight")}
    np.savez(tmp_path / "codec.npz", mu=codec.mean, **old)
    assert load_codec(tmp_path / "codec.npz").postfilter == 0.0


def test_frames_out_of_range_are_left_out_of_the_sound(codec: Codec) -> None:
    codes = np.array([[0, 0, 0], [8, 0, 0], [0, MISSING, 0], [1, 1, 1]])
    assert valid_frames(codes, codec).tolist() == [True, False, False, True]
    assert len(decode_codes(codes, codec)) == 2 * 640
    with pytest.raises(ValueError, match="outside"):
        to_parameters(codes, codec)
    assert len(decode_codes(np.zeros((0, 3), int), codec)) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("frame_seconds"), "frame_seconds"),
        (lambda d: d["tokens"].pop("markers"), "markers"),
        (lambda d: d.update(schema_version=9), "schema_version"),
        (lambda d: d.update(sample_rate="fast"), "fast"),
        (lambda d: d.update(speakers=[1]), "voice.json"),
    ],
)
def test_a_broken_description_is_one_clear_line(tmp_path: Path, change: object, words: str) -> None:
    stored = json.loads(DESCRIPTION.read_text())
    change(stored)  # type: ignore[operator]
    path = tmp_path / "voice.json"
    path.write_text(json.dumps(stored))
    with pytest.raises(ConfigError, match=words) as error:
        load_geometry(path)
    assert "\n" not in str(error.value)


def test_a_wrong_speaker_gets_the_nearest_name(geometry: Geometry) -> None:
    with pytest.raises(ConfigError, match="did you mean 'slt'"):
        geometry.speaker_token("slk")
