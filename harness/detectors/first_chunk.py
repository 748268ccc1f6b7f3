"""First chunk: the first request of a session is not like the others."""

from typing import ClassVar

from harness.detectors._inject import backend
from harness.detectors._whole_run import WholeRunFault
from harness.detectors.base import Citation, Family


class FirstChunk(WholeRunFault):
    name = "first-chunk"
    title = "the first request of a session speaks differently from later ones"
    family = Family.PROCESS
    causes = ("caches that are empty only once", "a warm-up that takes part in the answer", "state left by loading")
    judged_by: ClassVar[str] = "suites/determinism (a fresh process against the same text later in a session)"
    sources = (
        Citation("another voice at the opening of a stream", "https://github.com/FunAudioLLM/CosyVoice/issues/525"),
        Citation("a wrong first chunk", "https://github.com/QwenLM/Qwen3-TTS/issues/263"),
    )
    injectors = (backend("other-seed-at-first", "requests", "first requests of a process", (1.0, 2.0), 1.0),)
