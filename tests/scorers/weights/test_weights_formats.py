"""Strangers' weights can run no code: pickles are refused wherever a model file of somebody else is read."""

from __future__ import annotations

import ast
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.backends.voice.snac import SnacDecoder, load_snac_geometry
from harness.core.errors import ConfigError
from harness.scorers.asr import recognizer
from tests._published import write_codec, write_voice
from tests._weights import ROOT


class _Evil:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def _calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def _says(call: ast.Call, keyword: str) -> bool | None:
    """Return the constant that a call gives for a keyword, None where it gives none."""
    given = [k.value for k in call.keywords if k.arg == keyword]
    return bool(ast.literal_eval(given[0])) if given else None


def test_no_file_of_the_tool_unpickles() -> None:
    offences = []
    for path in [*(ROOT / "harness").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]:
        for name, call in _calls(path):
            bad = name == "torch.load" and _says(call, "weights_only") is not True
            bad |= name in {"np.load", "numpy.load"} and bool(_says(call, "allow_pickle"))
            bad |= name in {"pickle.load", "pickle.loads", "joblib.load", "torch.jit.load", "marshal.loads"}
            if bad:
                offences.append(f"{path.relative_to(ROOT)}:{call.lineno}: {name}")
    assert offences == []


@pytest.mark.parametrize("old", [False, True], ids=["zip", "legacy"])
def test_a_checkpoint_that_would_run_code_is_refused_by_every_reader(tmp_path: Path, old: bool) -> None:
    import torch
    from resemblyzer import VoiceEncoder

    mark, path = tmp_path / "mark", tmp_path / "pytorch_model.bin"
    torch.save({"dims": _Evil(mark), "model_state": 1}, path, _use_new_zipfile_serialization=not old)
    with pytest.raises(ConfigError, match=r"evil\.pt is no checkpoint that openai-whisper can load"):
        recognizer(f"whisper:{path.rename(tmp_path / 'evil.pt')}").setup()
    write_voice(tmp_path)
    codec = write_codec(tmp_path / "codec") / "pytorch_model.bin"
    shutil.copyfile(tmp_path / "evil.pt", codec)
    with pytest.raises(ConfigError, match="not the files of a SNAC codec: Weights only load failed"):
        SnacDecoder(load_snac_geometry(tmp_path / "voice.json"))
    with pytest.raises(pickle.UnpicklingError):
        VoiceEncoder("cpu", verbose=False, weights_fpath=tmp_path / "evil.pt")
    assert not mark.exists()
    torch.load(tmp_path / "evil.pt", weights_only=False)
    assert mark.exists()  # so it would have
