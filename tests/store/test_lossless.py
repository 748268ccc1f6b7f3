"""Sounds are kept as FLAC where that holds their samples exactly, as float WAV where it does not."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.audio import read_audio
from harness.core.errors import StoreError
from harness.core.hashes import pcm_sha256
from harness.store.lossless import decode_flac, encode_flac
from harness.store.sounds import Sounds


def sixteen(count=4000, rate=24000):
    time = np.arange(count) / rate
    return np.rint(np.sin(2 * np.pi * 220 * time) * 20000).astype(np.int16) / np.float32(32768)


@pytest.fixture
def sounds(tmp_path):
    (tmp_path / "audio").mkdir()
    return Sounds(tmp_path)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 24), st.lists(st.integers(-(2**23), 2**23 - 1), min_size=1, max_size=300), st.booleans())
def test_what_is_packed_comes_back_bit_for_bit(bits, steps, small):
    whole = np.asarray(steps, np.int64) >> (24 - bits) if small else np.asarray(steps, np.int64)
    samples = (whole / 2.0**23).astype(np.float32)
    packed = encode_flac(samples, 24000)
    assert packed is not None
    back, rate = decode_flac(packed)
    assert back.tobytes() == samples.tobytes()
    assert rate == 24000


@pytest.mark.parametrize("value", [1.0, -1.5, np.nan, np.inf, -0.0, 0.1, 2.0**-24, 1e30])
def test_what_flac_would_change_stays_a_float_wav(sounds, value):
    samples = sixteen()
    samples[7] = value
    path, sha256 = sounds.write(samples, 24000)
    assert path.endswith(".wav")
    assert sounds.read(path, sha256, 24000)[0].tobytes() == samples.tobytes()


def test_the_full_scale_of_16_bits_is_packed(sounds):
    samples = np.asarray([-1.0, 32767 / 32768, 0.0], np.float32)
    path, sha256 = sounds.write(samples, 24000)
    assert path.endswith(".flac")
    assert sounds.read(path, sha256, 24000)[0].tobytes() == samples.tobytes()


def test_sixteen_bits_take_less_than_half_of_float_and_keep_hash_and_samples(sounds):
    samples = sixteen(24000)
    path, sha256 = sounds.write(samples, 24000)
    assert (sounds.run / path).stat().st_size < samples.nbytes / 2
    assert sha256 == pcm_sha256(samples)
    read = read_audio(sounds.run / path)  # as scoring reads it
    assert (read.sample_rate, read.samples.tobytes()) == (24000, samples.tobytes())
    assert soundfile.info(sounds.run / path).subtype == "PCM_16"


def test_equal_sounds_share_a_file_whose_bytes_are_the_same(sounds):
    first, _ = sounds.write(sixteen(), 24000)
    before = (sounds.run / first).read_bytes()
    assert sounds.write(sixteen(), 24000)[0] == first
    assert (sounds.run / first).read_bytes() == before


@pytest.mark.parametrize("rate", [1, 700_000, 2**29])
def test_a_rate_that_flac_has_not_is_kept_all_the_same(sounds, rate):
    path, sha256 = sounds.write(sixteen(50), rate)
    assert sounds.read(path, sha256, rate)[1] == rate


def test_damage_is_told_with_file_and_hash(sounds):
    path, sha256 = sounds.write(sixteen(), 24000)
    file = sounds.run / path
    whole = file.read_bytes()
    for harmed in (b"", whole[: len(whole) // 2], whole[:-40] + bytes(40), b"RIFF" + whole[4:], whole[42:]):
        file.write_bytes(harmed)
        with pytest.raises(StoreError, match=sha256):
            sounds.read(path, sha256, 24000)


def test_a_file_that_promises_more_than_there_can_be_takes_no_memory():
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(100, np.int16), 24000, format="FLAC", subtype="PCM_16")
    data = bytearray(buffer.getvalue())
    data[21] |= 0x0F  # the upper bits of STREAMINFO's number of samples
    with pytest.raises(ValueError, match="promises"):
        decode_flac(bytes(data))
