"""The recorded adapter: audio that already exists, answered by chunk id. For judging what another system made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from harness.backends.base import BackendRefused, NoAudio
from harness.backends.settings import Settings, read_settings, wrong
from harness.core.errors import nearest
from harness.core.manifests import Recording, read_recordings
from harness.core.records import Capabilities, Computes, Request, Synthesis, TokenLayout, Variant


class RecordedSettings(Settings):
    """Keys of the adapter ``recorded``."""

    manifest: str  # a manifest, or a folder of audio files named by chunk id
    format: Literal["ljspeech", "seed-tts-eval", "jsonl", "csv", "folder"] | None = None
    audio_dir: str | None = None
    codebook_sizes: list[int] | None = Field(default=None, min_length=1)
    frame_seconds: float | None = Field(default=None, gt=0)
    cap: int | None = Field(default=None, ge=1)
    model: str | None = None

    @property
    def layout(self) -> TokenLayout | None:
        if self.codebook_sizes is None or self.frame_seconds is None:
            return None
        return TokenLayout(tuple(self.codebook_sizes), self.frame_seconds, self.cap)

    def rows(self) -> dict[str, Recording]:
        """Return recordings by id. Raises CorpusError."""
        folder = Path(self.audio_dir) if self.audio_dir else None
        return {row.id: row for row in read_recordings(Path(self.manifest), self.format, folder)}


class RecordedBackend:
    """Gives the recording of a chunk; the text and the seed play no part."""

    def __init__(self) -> None:
        self._rows: dict[str, Recording] = {}

    @staticmethod
    def check(variant: Variant) -> None:
        """Raise ConfigError for wrong keys and CorpusError for a manifest that cannot be read."""
        settings = read_settings(RecordedSettings, variant)
        if (settings.codebook_sizes is None) != (settings.frame_seconds is None):
            raise wrong(variant, "frame_seconds", "codebook_sizes and frame_seconds describe the tokens together")
        if not Path(settings.manifest).exists():
            raise wrong(variant, "manifest", f"no file or folder {settings.manifest}")
        if settings.audio_dir is not None and not Path(settings.audio_dir).is_dir():
            raise wrong(variant, "audio_dir", f"no folder {settings.audio_dir}")
        settings.rows()

    @staticmethod
    def inputs(variant: Variant) -> list[Path]:
        """Return the recordings."""
        return [row.audio for row in read_settings(RecordedSettings, variant).rows().values()]

    @staticmethod
    def check_chunks(variant: Variant, ids: Sequence[str]) -> None:
        """Raise ConfigError where the manifest has none of the chunks that are asked for."""
        rows = read_settings(RecordedSettings, variant).rows()
        if not any(name in rows for name in ids):
            example = f"the corpus asks for {ids[0]!r}, the manifest has {next(iter(rows))!r}" if ids else "no chunks"
            hint = f"take the corpus from it: --corpus {variant.settings['manifest']}"
            raise wrong(variant, "manifest", f"none of its {len(rows)} ids is in the corpus ({example}); {hint}")

    def load(self, variant: Variant) -> Capabilities:
        """Read the manifest; no audio yet."""
        settings = read_settings(RecordedSettings, variant)
        self._rows = settings.rows()
        return Capabilities(
            layout=settings.layout,
            seeded=False,
            resets=True,
            details={"recordings": len(self._rows)},
            computes=Computes.NOWHERE,
        )

    def synthesize(self, request: Request, progress: Callable[[], None]) -> Synthesis:
        """Return the recording. Raises NoAudio for a missing file and BackendRefused for an id that is not listed."""
        row = self._rows.get(request.chunk_id)
        if row is None:
            raise BackendRefused(f"no recording with id {request.chunk_id!r}{_close(request.chunk_id, self._rows)}")
        progress()
        synthesis = Synthesis(
            audio_path=row.audio,
            tokens=np.array(row.tokens, dtype=np.int32).reshape(len(row.tokens), -1) if row.tokens else None,
            token_count=row.token_count if row.token_count is not None else _count(row),
            finish_reason=row.finish_reason,
        )
        if row.text is not None and row.text != request.text:
            synthesis.notes = {"recorded_text": row.text}
        if row.prompt_audio is not None:
            synthesis.notes = {**synthesis.notes, "prompt_audio": str(row.prompt_audio)}
        if not row.audio.is_file():
            raise NoAudio(f"no audio file {row.audio}", synthesis)
        return synthesis

    def reset(self) -> None:
        """Change nothing: recordings have no state."""

    def close(self) -> None:
        """Release nothing: nothing is held."""


def _count(row: Recording) -> int | None:
    return sum(map(len, row.tokens)) if row.tokens is not None else None


def _close(name: str, names: dict[str, Recording]) -> str:
    hint = nearest(name, names)
    return hint if "did you mean" in hint else f" among the {len(names)} of the manifest"
