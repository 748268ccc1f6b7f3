"""The run table: from Python, from the command line, and what other programs are sent."""

import json
import struct
import subprocess
import sys

import pandas as pd
import pytest

from harness import soak
from harness.core.errors import ConfigError

VARIANTS = """
[defaults]
adapter = "null"
settings = { seconds_per_word = 0.02 }
[variants.mine]
[variants.other]
[variants.broken]
settings = { fail = [{ kind = "crash", chunks = ["book-0002"] }] }
"""


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """A folder with a variants file and a run of two variants, and the table that soak() gave."""
    here = tmp_path_factory.mktemp("spoken")
    (here / "variants.toml").write_text(VARIANTS)
    asked = {"variants": ["mine", "broken"], "chunks": 3, "scorers": ["signal"], "confirm": False}
    return here, soak(here / "variants.toml", reports=here / "reports", **asked)


def run(here, *words):
    command = [sys.executable, "-m", "harness.cli", *words, "--reports", str(here / "reports")]
    return subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=120, check=False)


def test_soak_returns_a_row_an_attempt_with_verdicts_and_scores(spoken):
    here, table = spoken
    assert list(table["variant"]) == ["mine"] * 3 + ["broken"] * 3
    assert list(table["chunk_id"])[:3] == ["book-0001", "book-0002", "book-0003"]
    crashed = table[(table.variant == "broken") & (table.chunk_id == "book-0002")].iloc[0]
    assert (crashed["outcome"], crashed["verdict"], crashed["faults"]) == ("crash", "faulty", "crash")
    assert table["signal.duration"].notna().sum() == 5
    assert (here / "reports" / "latest").resolve() == pd.io.common.Path(table.attrs["run"]).resolve()
    assert (here / "reports" / "latest" / "report.html").is_file()


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"variants": ["mien"]}, "unknown variant 'mien' (did you mean 'mine'?)"),
        ({"variants": "mine"}, "variants='mine': must be a list of names, ['mine']"),
        ({"chunks": 0}, "chunks=0: must be 1 or more"),
        ({"scorers": ["signl"]}, "unknown scorer 'signl' (did you mean 'signal'?)"),
    ],
)
def test_what_cannot_work_is_one_line_before_anything_is_spoken(spoken, tmp_path, wrong, line):
    with pytest.raises(ConfigError) as error:
        soak(spoken[0] / "variants.toml", reports=tmp_path, **wrong)
    assert line in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_the_table_is_written_as_csv_and_parquet_with_the_same_rows(spoken):
    here, table = spoken
    printed = run(here, "table")
    assert printed.stdout.splitlines()[0].split(",")[:3] == ["run_id", "variant", "chunk_id"]
    assert run(here, "table", "--out", "t.csv").returncode == 0
    assert list(pd.read_csv(here / "t.csv")["chunk_id"]) == list(table["chunk_id"])
    pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    assert run(here, "table", "--out", "t.parquet").returncode == 0
    again = pd.read_parquet(here / "t.parquet")
    assert list(again.columns) == list(table.columns)
    assert list(again["signal.duration"].dropna()) == list(table["signal.duration"].dropna())
    refused = run(here, "table", "--out", "t.xls")
    assert (refused.returncode, refused.stderr) == (4, "tts-soak: --out t.xls: must end in .parquet or .csv\n")


def test_prometheus_text_has_a_gauge_a_figure_and_variant(spoken):
    parser = pytest.importorskip("prometheus_client.parser")
    here, _ = spoken
    assert run(here, "export", "--to", "prometheus", "--target", str(here / "m.prom")).returncode == 0
    families = list(parser.text_string_to_metric_families((here / "m.prom").read_text()))
    values = {(s.name, s.labels["variant"], s.labels.get("fault")): s.value for f in families for s in f.samples}
    assert values["tts_soak_chunks", "mine", None] == 3
    assert values["tts_soak_faulty_chunks_by_class", "broken", "crash"] == 1


def test_benchmarks_are_read_by_pytest_benchmark(spoken):
    here, _ = spoken
    done = run(here, "export", "--to", "benchmark", "--target", str(here / "0001_run.json"))
    if done.returncode == 4 and "timings are not valid" in done.stderr:
        pytest.skip("the machine was too busy for the run's timings to be valid, and the exporter said so")
    assert done.returncode == 0, done.stderr
    names = [one["name"] for one in json.loads((here / "0001_run.json").read_text())["benchmarks"]]
    assert names == ["rtf[mine]", "rtf[broken]"]
    compare = [sys.executable, "-m", "pytest_benchmark", "compare", str(here / "0001_run.json")]
    shown = subprocess.run(compare, cwd=here, capture_output=True, text=True, timeout=120, check=False)
    assert "rtf[broken]" in shown.stdout, shown.stdout + shown.stderr


def test_mlflow_has_a_run_a_variant_with_its_figures(spoken, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="the extra 'mlflow' is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    here, _ = spoken
    address = (here / "mlruns").as_uri()
    done = run(here, "export", "--to", "mlflow", "--target", address)
    assert done.returncode == 0, done.stderr
    client = mlflow.MlflowClient(tracking_uri=address)
    runs = client.search_runs([client.get_experiment_by_name("tts-soak").experiment_id])
    by_variant = {run.data.tags["tts_soak.variant"]: run.data.metrics for run in runs}
    assert by_variant["broken"]["faults.crash"] == 1
    assert by_variant["mine"]["chunks"] == 3


def wandb_records(path):
    """Every record of an offline run's file: LevelDB's log format in blocks of 32 KiB, behind 7 bytes of its own."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, place, parts = path.read_bytes(), 7, b""
    while place + 7 <= len(data):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        _, size, kind = struct.unpack("<IHB", data[place : place + 7])
        parts += data[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # whole, or the last of several
            yield Record.FromString(parts)
            parts = b""


def test_wandb_keeps_a_run_a_variant_offline(spoken, tmp_path):
    pytest.importorskip("wandb", reason="the extra 'wandb' is not installed")
    here, _ = spoken
    done = run(here, "export", "--to", "wandb", "--target", str(tmp_path))
    assert done.returncode == 0, done.stderr
    figures = {}
    for path in (tmp_path / "wandb").glob("offline-run-*/run-*.wandb"):
        variant, values = "", {}
        for record in wandb_records(path):
            for entry in record.run.config.update:
                variant = json.loads(entry.value_json) if entry.key == "variant" else variant
            values |= {entry.key: json.loads(entry.value_json) for entry in record.summary.update}
        figures[variant] = values
    assert figures["broken"]["faults.crash"] == 1
    assert figures["mine"]["chunks"] == 3
    assert "offline-run-" in done.stdout and "of broken" in done.stdout
