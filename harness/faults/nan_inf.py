"""NaN or infinite samples."""

from harness.faults.base import BaseFault, Family, Seen, Source, as_span, number, payload
from harness.types import View


class NanInf(BaseFault):
    name = "nan-inf"
    title = "samples that are not numbers"
    family = Family.WAVEFORM
    causes = ("overflow in half precision", "an operator translated wrongly")
    observes = ("signal",)
    unit = "share of samples"
    physical_limit = 0.0
    essential = True
    explains = ("silence", "constant-dc", "unintelligible", "skipped-words", "truncation", "internal-silence")
    sources = (Source("NaN in half precision", "https://github.com/FunAudioLLM/CosyVoice/issues/999"),)

    def measure(self, view: View) -> Seen:
        signal = payload(view, "signal")
        share = number(signal, "nonfinite_fraction")
        return Seen(share, as_span((signal.get("spans") or {}).get("nonfinite")), f"{share:.3%} of the samples")
