"""Robotic: the harmonics have lost their phase."""

from harness.faults.base import BaseFault, CannotJudge, Family, NotApplicable, Seen, Source, payload
from harness.types import Relation, View

LEAST_VOICED = 0.5  # s; less says nothing of harmonics


class Robotic(BaseFault):
    name = "robotic"
    title = "a robotic, rough voice: the harmonics have lost their phase"
    family = Family.WAVEFORM
    causes = ("the running phase of the source kept in half precision", "a vocoder run at the wrong hop")
    observes = ("pitch",)
    unit = "dB, minus the harmonicity of the worse half"
    relation = Relation.EXCESS
    default_margin = 6.0
    default_limit = 6.0
    sources = (
        Source(
            "phase of about 4000 rad kept with a step of 4 against 0.05",
            "https://github.com/FluidInference/mobius/issues/58",
        ),
        Source(
            "harmonicity per half against the reference; an absolute limit missed half",
            "https://github.com/FluidInference/mobius/issues/58",
        ),
    )

    def measure(self, view: View) -> Seen:
        pitch = payload(view, "pitch")
        voiced = pitch.get("voiced_seconds")
        if voiced is None:
            raise CannotJudge("voicing is unknown")
        if float(voiced) < LEAST_VOICED:
            raise NotApplicable(f"only {float(voiced):.2f} s of voiced speech")
        halves = [float(v) for v in (pitch.get("harmonicity_db_halves") or []) if v is not None]
        if not halves:
            raise CannotJudge("harmonicity is unknown")
        return Seen(-min(halves), None, "harmonicity of the halves " + ", ".join(f"{v:.1f} dB" for v in halves))
