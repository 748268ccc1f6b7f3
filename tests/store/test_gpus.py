"""Graphics processors in the provenance; on a machine without one, the answer of the tool as it is documented."""

from harness.report.digest import _machine
from harness.store import gpus
from harness.store.gpus import read_line


def test_a_line_of_the_tool():
    processor = read_line("NVIDIA H100 80GB HBM3, 81559, 1024, 550.54.15")
    assert processor == {
        "name": "NVIDIA H100 80GB HBM3", "memory_bytes": 81559 << 20, "memory_used_bytes": 1 << 30,
        "driver": "550.54.15",
    }  # fmt: skip
    assert read_line("NVIDIA GB10, [N/A], [N/A], 580.1")["memory_bytes"] is None
    assert read_line("") is None and read_line("No devices were found") is None


def test_what_it_finds_has_names():
    assert all(one["name"] and one["driver"] for one in gpus.gpus())


def test_another_gpu_is_another_machine():
    cpu = {"model": "a cpu", "usable": 8}
    assert _machine(cpu, ()) == "a cpu, 8 cores"
    assert _machine(cpu, [{"name": "H100"}]) != _machine(cpu, [{"name": "L4"}])
