"""Lets llama.cpp's own quantizer make the rest of a family from its f16."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

# llama.cpp's LLAMA_FTYPE_MOSTLY_* numbers
FILE_TYPES = {"q8_0": 7, "q2_k": 10, "q4_k_s": 14, "q4_k_m": 15, "q5_k_m": 17}


class _Parameters(ctypes.Structure):
    """llama_model_quantize_params: the two leading fields are stable, the rest is kept as the library gives it."""

    _fields_ = (("nthread", ctypes.c_int32), ("ftype", ctypes.c_int32), ("rest", ctypes.c_uint8 * 504))


def llama_library() -> Path:
    """Return libllama: the file that LLAMA_LIBRARY names, else the one of llama-cpp-python (extra ``divergence``)."""
    if named := os.environ.get("LLAMA_LIBRARY"):
        return Path(named)
    import importlib.util

    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("quantizing needs llama.cpp: pip install llama-cpp-python, or set LLAMA_LIBRARY")
    libraries = sorted(Path(spec.origin).parent.glob("lib/libllama.*"))
    if not libraries:
        raise FileNotFoundError(f"no libllama beside {spec.origin}")
    return libraries[0]


def quantize(source: Path, target: Path, kind: str, library: Path) -> None:
    """Make one quantization of an f16 GGUF. Raises RuntimeError when llama.cpp refuses.

    In a process of its own: this library's llama.cpp and xllamacpp's, with the same symbols, cannot share one.
    """
    command = [
        sys.executable,
        "-m",
        "tools.voice.quantize",
        str(source.resolve()),
        str(target.resolve()),
        kind,
        str(library),
    ]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], stderr=subprocess.PIPE, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"llama.cpp could not make {target.name} (exit code {done.returncode}): {last}")


def _quantize_here(source: str, target: str, kind: str, library: str) -> int:
    llama = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    llama.llama_model_quantize_default_params.restype = _Parameters
    llama.llama_model_quantize.restype = ctypes.c_uint32
    llama.llama_model_quantize.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(_Parameters)]
    parameters = llama.llama_model_quantize_default_params()
    parameters.ftype, parameters.nthread = FILE_TYPES[kind], 1
    return int(llama.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(parameters)))


if __name__ == "__main__":
    sys.exit(_quantize_here(*sys.argv[1:]))
