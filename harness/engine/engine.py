"""Join corpus, session, scorers, judge and store into one run; knows nothing of pytest."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.core import __version__
from harness.core.errors import ResumeRefused, SoakError
from harness.core.records import Variant
from harness.engine.adopt import adopt
from harness.engine.assessor import ScoringPipeline
from harness.engine.confirm import Replayer
from harness.engine.early import Early, early_test
from harness.engine.executor import executor_of
from harness.engine.figures import reference_figures
from harness.engine.fingerprint import changed_inputs, fingerprint, standard_keys
from harness.engine.listeners import listener_provenance, prepare_listeners
from harness.engine.machine import watched
from harness.engine.plan import Plan
from harness.engine.preflight import refuse
from harness.engine.progress import Progress, Quiet
from harness.engine.results import chunk_results
from harness.engine.soak import Soak
from harness.engine.together import speak_together
from harness.store import Run, redact_json, remember_secrets, secrets_in
from harness.store.manifest import check_whole
from harness.store.provenance import provenance
from harness.verdicts import Limits, Priors, VerdictPolicy
from harness.verdicts.claims import stress_claims
from harness.verdicts.claims.as_whole import whole_run
from harness.verdicts.profile import Profile, build_profile

_DAMAGE_SHOWN, _DAMAGE_KEPT = 5, 50  # lines


@dataclass
class Standard:
    """What a variant is judged by: limits of its voice and the reference's record, if there is one."""

    limits: Limits
    profile: Profile | None
    source: str
    refused: str = ""  # why there is no profile, though one was recorded


@dataclass(frozen=True)
class _RunParts:
    """What every variant of an open run is driven with."""

    run: Run
    standards: dict[str, Standard]
    assessor: ScoringPipeline
    workdir: Path


@dataclass(frozen=True)
class _Spoken:
    """What came of a variant that was spoken together with others. ``soak``: None where nothing is judged yet."""

    soak: Soak | None
    gone: str
    failure: SoakError | None


class Engine:
    """Carries out one plan. Everything that it finds out is in the run directory when ``run`` returns."""

    def __init__(self, plan: Plan, progress: Progress | None = None) -> None:
        self.plan = plan
        self.progress = progress or Quiet()

    def run(self, resume: Path | None = None) -> Path:
        """Do the run, or continue the one at ``resume``; returns its directory.

        Raises ConfigError for settings that cannot work, ResumeRefused when something changed, StoreError when the
        journal cannot be written. Whatever was acknowledged before an exception is kept.
        """
        refuse(self.plan)
        standards = self.standards()
        run = self.begin(resume, standards)
        status = "interrupted"
        try:
            assessor = ScoringPipeline(run, self.plan)
        except BaseException:
            run.close()
            raise
        try:
            with tempfile.TemporaryDirectory(prefix="tts-soak-") as workdir:
                parts = _RunParts(run, standards, assessor, Path(workdir))
                together = executor_of(self.plan).together and not self.plan.stop_early
                spoken = self._speak_all(parts) if together else {}
                for variant in self.plan.variants:
                    self._variant(parts, variant, spoken.get(variant.name))
            status = "finished"
        finally:
            assessor.close(now=status != "finished")
            executor_of(self.plan).rest()
            run.finish(status)
            run.close()
        return run.path

    def begin(self, resume: Path | None = None, standards: dict[str, Standard] | None = None) -> Run:
        """Create the run directory, or open the one to resume; ``standards`` where they are already at hand.

        Raises ConfigError where the recognizer cannot be had, before anything is spoken.
        """
        for variant in (*self.plan.variants, *([self.plan.reference] if self.plan.reference is not None else [])):
            remember_secrets(secrets_in(variant.settings))
        prepare_listeners(self.plan, self.progress)
        return self.reopen(resume) if resume is not None else self._create(standards or self.standards())

    def _soak(self, parts: _RunParts, variant: Variant) -> Soak:
        standard = parts.standards[variant.name]
        policy = VerdictPolicy(standard.limits)
        return Soak(
            self.plan, parts.run, variant, policy, standard.profile, parts.assessor, self.progress, parts.workdir
        )

    def _speak_all(self, parts: _RunParts) -> dict[str, _Spoken]:
        """Speak every session of the run at the same time; whoever is judged against one of these waits to be judged.

        What a reference does that runs along must be on record before others are held against it.
        """
        waiting = {v.name for v in self.plan.variants if self.plan.reference_of(v) in self.plan.variants}
        waiting -= {v.name for v in self.plan.variants if self.plan.reference_of(v) == v}
        soaks = [self._soak(parts, variant) for variant in self.plan.variants]
        failures = speak_together(soaks, lambda soak: soak.variant.name not in waiting)
        return {
            soak.variant.name: _Spoken(
                None if soak.variant.name in waiting else soak, soak.gone, failures.get(soak.variant.name)
            )
            for soak in soaks
        }

    def _variant(self, parts: _RunParts, variant: Variant, spoken: _Spoken | None) -> None:
        run, standard = parts.run, parts.standards[variant.name]
        early: Early | None = None
        if self.plan.stop_early:
            test = early_test(standard.limits, standard.profile, self.plan.margins)
            early = Early(run, variant.name, test, self.progress)
        with (spoken.soak if spoken is not None else None) or self._soak(parts, variant) as soak:
            try:
                self._speak(soak, early, spoken)
            except SoakError as error:
                if not run.attempts(variant=variant.name):
                    run.record_event("cannot be loaded", {"variant": variant.name, "reason": str(error)})
                    self.progress.say(f"{variant.name}: {error}")
                    return
                raise
            if soak.gone and not soak.cases:
                return  # nothing was asked: there is nothing to claim
            if self.plan.confirmation.enabled:
                Replayer(soak).run()
            if self.plan.quiet_chunks and not soak.gone and not soak.recorded:
                with self._watched(run, "quiet pass", variant.name):
                    soak.quiet_pass()
        if variant.reference:
            self._record_reference(run, variant, parts.standards)
        results = chunk_results(run, self.plan, variant)
        counted = early.spoken(results) if early is not None else results
        stopped = early.decided if early is not None else None
        claims = stress_claims(variant.name, counted, standard.profile, self.plan.margins, stopped=stopped)
        if soak.ended is not None:
            claims += whole_run(variant.name, soak.ended.settled, Priors.shipped())
        run.record_claims(claims)

    def _speak(self, soak: Soak, early: Early | None, spoken: _Spoken | None) -> None:
        """Have a variant spoken and judged; ``spoken``: it was spoken before, together with the others."""
        if spoken is not None:
            soak.gone = spoken.gone
            if spoken.failure is not None:
                raise spoken.failure
            soak.judge_spoken()
            return
        with self._watched(soak.run, "soak", soak.variant.name):
            if self.plan.clients == 1:
                soak.speak(enough=early)
                return
            failures = speak_together([soak])
            if failures:
                raise failures[soak.variant.name]
            soak.judge_spoken()

    def _watched(self, run: Run, stage: str, variant: str) -> contextlib.AbstractContextManager[None]:
        """Watch this machine's other work; where others compute, it says nothing of their timings."""
        return contextlib.nullcontext() if self.plan.ray is not None else watched(run, stage, variant)

    def _record_reference(self, run: Run, variant: Variant, standards: dict[str, Standard]) -> None:
        """Record what the reference just did: the other variants are judged against it."""
        profile = build_profile(run, variant)
        judged = {one.name for one in self.plan.variants if self.plan.reference_of(one) == variant}
        for name, standard in standards.items():
            if name != variant.name and name in judged:
                standards[name] = Standard(standard.limits, profile, f"{variant.name}, in this run")

    def standards(self) -> dict[str, Standard]:
        """Return what each variant is judged by."""
        return {variant.name: self._standard(variant) for variant in self.plan.variants}

    def _standard(self, variant: Variant) -> Standard:
        holder = self.plan.reference_of(variant) or variant
        calibration = variant.calibration or holder.calibration
        path = variant.profile or holder.profile
        limits = Limits.load(calibration) if calibration is not None and calibration.exists() else Limits.default()
        profile = Profile.load(path) if path is not None and path.exists() else None
        keys = standard_keys(self.plan, holder)
        refused = "; ".join(filter(None, (profile.mismatch(keys) if profile else "", limits.mismatch(keys))))
        if refused:  # figures of another recognizer or another model would be compared with these
            return Standard(
                Limits.default(), None, "", f"neither the reference's profile nor its limits serve: {refused}"
            )
        return Standard(limits, profile, str(path) if profile is not None else "")

    def _manifest(self, standards: dict[str, Standard]) -> dict[str, object]:
        return {
            "harness": __version__,
            "suite": self.plan.suite,
            "arguments": list(self.plan.arguments),
            "fingerprint": fingerprint(self.plan),
            "corpus": {
                "name": self.plan.corpus.name,
                "sha256": self.plan.corpus.sha256,
                "source": self.plan.corpus.source,
                "chunks": len(self.plan.corpus.chunks),
                "partial": self.plan.partial,
                "texts": [asdict(chunk) for chunk in self.plan.corpus.chunks if self._used(chunk.id)],
            },
            "variants": [_describe(variant) for variant in self.plan.variants],
            "reference": self.plan.reference.name if self.plan.reference is not None else None,
            "references": {name: reference.name for name, reference in self.plan.references.items()},
            "scorers": {name: dict(options) for name, options in self.plan.scorers.items()},
            "limits": {name: standard.limits.to_json() for name, standard in standards.items()},
            "profiles": {name: standard.source for name, standard in standards.items()},
            "refused": {name: standard.refused for name, standard in standards.items() if standard.refused},
            "reference_figures": {
                variant.name: reference_figures(standards[variant.name].profile, self.plan.chunks(variant))
                for variant in self.plan.variants
            },
            "left_out": list(self.plan.left_out),
            "margins": dict(self.plan.margins),
            "experiment": dict(self.plan.experiment),
            "provenance": {**provenance(), "recognizer": listener_provenance(self.plan)},
        }

    def _used(self, chunk_id: str) -> bool:
        return any(chunk_id in ids for ids in self.plan.selection.values())

    def _create(self, standards: dict[str, Standard]) -> Run:
        run = Run.create(self.plan.reports, self._manifest(standards))
        try:
            if self.plan.adopt is not None:
                adopt(run, self.plan.adopt, fingerprint(self.plan), self.plan.selection)
        except BaseException:
            run.close()
            raise
        return run

    def reopen(self, path: Path) -> Run:
        """Open a run to go on with it. Raises ResumeRefused, naming what changed since it began."""
        run = Run.open(path, write=True)
        try:
            check_whole(run.path, run.manifest, resumed=True)
            if run.manifest_changed:
                raise ResumeRefused(f"{path.name}: cannot resume, changed since it began: manifest.json itself")
            changed = changed_inputs(run.manifest["fingerprint"], redact_json(fingerprint(self.plan)))
            if changed:
                raise ResumeRefused(f"{path.name}: cannot resume, changed since it began: {', '.join(changed)}")
            self._tell_of_damage(run)
        except BaseException:
            run.close()
            raise
        return run

    def _tell_of_damage(self, run: Run) -> None:
        """Say and keep what the medium lost or changed; the run goes on with what is whole."""
        problems = run.verify()
        for problem in problems[:_DAMAGE_SHOWN]:
            self.progress.say(f"{run.run_id}: {problem}")
        if problems:
            run.record_event("damage", {"problems": problems[:_DAMAGE_KEPT], "count": len(problems)})


def _describe(variant: Variant) -> dict[str, object]:
    return {
        "name": variant.name,
        "adapter": variant.adapter,
        "settings": dict(variant.settings),
        "voice": variant.voice,
        "seed": variant.seed,
        "seed_policy": variant.seed_policy.value,
        "reference": variant.reference,
        "language": variant.language,
        "reload_every": variant.reload_every,
        "retries": variant.retries,
        "source": variant.source,
    }
