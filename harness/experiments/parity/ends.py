"""End to end: are two sounds, and the tokens behind them, the same? Judged apart from the stages."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.audio import resample
from harness.core.records import Samples
from harness.experiments.parity.limits import SoundTolerance
from harness.scorers.speaker import cosine

RATE = 16_000  # Hz, both sides are brought to it
WINDOW, HOP, BANDS = 1024, 256, 80
FLOOR = 1e-5  # of the mel magnitude, as the log-mel features of vocoders have it
DB_A_NAT = 20 / np.log(10)  # of a magnitude


@dataclass(frozen=True, slots=True)
class EndToEnd:
    """Figures of two sounds; None where they cannot be measured.

    ``log_mel_cosine``: of natural logarithms of mel magnitudes, frame by frame over the common length, as published
    scripts have it; even noise reaches 0.9, so ``log_mel_correlation`` takes the means out first. ``level_db``: mean of
    the candidate's log-mel minus the reference's in dB, where both are above the floor. ``rms_ratio``: candidate /
    reference. ``agreement``: share of equal tokens over the longer of both sides.
    """

    seconds: tuple[float, float]
    log_mel_cosine: float | None = None
    log_mel_correlation: float | None = None
    level_db: float | None = None
    rms_ratio: float | None = None
    duration_ratio: float | None = None
    nans: tuple[int, int] = (0, 0)
    agreement: float | None = None
    first_difference: int | None = None
    problem: str = ""

    @property
    def passed(self) -> bool | None:
        """Return None where there is no sound on the reference's side to compare with."""
        if not self.seconds[0]:
            return None
        return not self.problem

    def says(self) -> str:
        """Return one sentence."""
        if not self.seconds[0]:
            return "the reference gave no sound to compare with"
        parts = [
            f"log-mel cosine {self.log_mel_cosine:.4f}" if self.log_mel_cosine is not None else "no log-mel cosine",
            f"correlation {self.log_mel_correlation:.4f}" if self.log_mel_correlation is not None else "",
            f"level {self.level_db:+.2f} dB" if self.level_db is not None else "",
            f"RMS ratio {self.rms_ratio:.4f}" if self.rms_ratio is not None else "",
            f"{self.agreement:.1%} of the tokens agree" if self.agreement is not None else "",
        ]
        figures = ", ".join(filter(None, parts))
        return f"the sound is the same end to end: {figures}" if not self.problem else f"{self.problem} ({figures})"


def compare_sound(
    reference: tuple[Samples, int],
    candidate: tuple[Samples, int],
    tolerance: SoundTolerance,
    tokens: tuple[NDArray[np.generic], NDArray[np.generic]] | None = None,
) -> EndToEnd:
    """Compare two sounds (samples, rate), and their tokens where both sides have them."""
    (a, a_rate), (b, b_rate) = reference, candidate
    a, b = np.asarray(a, np.float32).reshape(-1), np.asarray(b, np.float32).reshape(-1)
    nans = (int(np.count_nonzero(~np.isfinite(a))), int(np.count_nonzero(~np.isfinite(b))))
    seconds = (len(a) / a_rate, len(b) / b_rate)
    sound = EndToEnd(seconds, nans=nans)
    if tokens is not None:
        share, first = agreement(*tokens)
        sound = replace(sound, agreement=share, first_difference=first)
    if len(a) and len(b):
        sound = _measured(sound, np.nan_to_num(a), a_rate, np.nan_to_num(b), b_rate)
        sound = replace(sound, duration_ratio=seconds[1] / seconds[0])
    return replace(sound, problem=_judged(sound, tolerance))


def _measured(sound: EndToEnd, a: Samples, a_rate: int, b: Samples, b_rate: int) -> EndToEnd:
    loud = [float(np.sqrt(np.mean(each.astype(np.float64) ** 2))) for each in (a, b)]
    first, second = natural_log_mel(a, a_rate), natural_log_mel(b, b_rate)
    frames = min(first.shape[1], second.shape[1])
    first, second = first[:, :frames], second[:, :frames]
    above = (first > np.log(FLOOR)) & (second > np.log(FLOOR))
    return replace(
        sound,
        log_mel_cosine=cosine(first.ravel(), second.ravel()),
        log_mel_correlation=cosine((first - first.mean()).ravel(), (second - second.mean()).ravel()),
        level_db=float((second - first)[above].mean() * DB_A_NAT) if above.any() else None,
        rms_ratio=loud[1] / loud[0] if loud[0] > 0 else None,
    )


def natural_log_mel(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Return the natural logarithm of mel magnitudes, floored at 1e-5, (80, frames): the level is kept."""
    import librosa

    sound = resample(samples, rate, RATE)
    sound = np.pad(sound, (0, max(0, WINDOW - len(sound))))
    mel = librosa.feature.melspectrogram(y=sound, sr=RATE, n_fft=WINDOW, hop_length=HOP, n_mels=BANDS, power=1.0)
    logarithm: NDArray[np.float64] = np.log(np.maximum(mel.astype(np.float64), FLOOR))
    return logarithm


def agreement(a: NDArray[np.generic], b: NDArray[np.generic]) -> tuple[float | None, int | None]:
    """Return the share of equal tokens over the longer side, and where the first differs.

    Both flat or (frames, codebooks).
    """
    first, second = a.reshape(-1), b.reshape(-1)
    longest = max(len(first), len(second))
    if not longest:
        return None, None
    common = min(len(first), len(second))
    differs = np.flatnonzero(first[:common] != second[:common])
    start = int(differs[0]) if len(differs) else (common if common < longest else None)
    return (common - len(differs)) / longest, start


def _judged(seen: EndToEnd, tolerance: SoundTolerance) -> str:
    if not seen.seconds[0]:
        return ""
    if not seen.seconds[1]:
        return "the candidate gave no sound"
    if seen.nans[1] > seen.nans[0]:
        return f"{seen.nans[1]} samples are not finite"
    if seen.rms_ratio == 0:
        return "the candidate is silent"
    checks = (
        (seen.duration_ratio, 1.0, tolerance.duration_ratio_max, "duration ratio"),
        (seen.rms_ratio, 1.0, tolerance.rms_ratio_max, "RMS ratio"),
        (seen.level_db, 0.0, tolerance.level_db_max, "mel level in dB"),
    )
    for value, wanted, most, name in checks:
        if value is not None and abs(value - wanted) > most:
            return f"{name} is {value:.4g}, more than {most:g} from {wanted:g}"
    if seen.agreement is not None and seen.agreement < tolerance.agreement_min:
        return f"{seen.agreement:.1%} of the tokens agree, the first that does not is number {seen.first_difference}"
    if seen.log_mel_cosine is not None and seen.log_mel_cosine < tolerance.log_mel_cosine_min:
        return f"log-mel cosine is {seen.log_mel_cosine:.4f}, at least {tolerance.log_mel_cosine_min} is needed"
    least = tolerance.log_mel_correlation_min
    if seen.log_mel_correlation is not None and seen.log_mel_correlation < least:
        return f"log-mel correlation is {seen.log_mel_correlation:.4f}, at least {least} is needed"
    return ""
