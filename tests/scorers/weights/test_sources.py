"""The order in which a model is looked for: a path, installed packages, the cache, the hub's cache, the hub."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.core.errors import ConfigError
from harness.scorers.weights.availability import availability, obtain
from harness.scorers.weights.folder import locate
from tests._weights import REVISION, contents, install, small_model, start
from tests.standins.hub import hub

FILES = contents()


def test_a_package_with_all_files_is_used_in_place_and_its_code_is_not_imported(site: Path, cache: Path) -> None:
    model = small_model(FILES)
    paths = install(site, model, FILES)
    place = locate(model, offline=True)
    assert place.folder == paths["model.bin"].parent
    assert "installed package carrier-1 1.0" in place.source
    assert "carrier_1" not in sys.modules
    assert not (cache / "weights").exists()


def test_halves_of_two_packages_are_joined_in_the_cache(site: Path, cache: Path) -> None:
    model = small_model(FILES, halves=True)
    assert availability(model).source is None
    install(site, model, FILES)
    assert "brought together in the cache at first use" in str(availability(model).source)
    folder = locate(model, offline=True).folder
    assert folder.is_relative_to(cache)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    assert availability(model).source == f"cache {folder}"


def test_one_of_two_packages_does_not_carry_the_model(site: Path, cache: Path) -> None:
    model = small_model(FILES, halves=True)
    paths = install(site, model, FILES)
    for path in (site / "carrier_2-1.0.dist-info").iterdir():
        path.unlink()
    (site / "carrier_2-1.0.dist-info").rmdir()
    paths["model.bin.part2"].unlink()
    with pytest.raises(ConfigError, match=r"small is not on this machine and the network is not to be used"):
        locate(model, offline=True)


def test_a_file_beside_the_known_ones_is_never_read_by_an_engine(site: Path, cache: Path) -> None:
    model = small_model(FILES)
    planted = install(site, model, FILES)["model.bin"].with_name("preprocessor_config.json")
    planted.write_text('{"feature_size": 1}')
    folder = locate(model, offline=True).folder
    assert {path.name for path in folder.iterdir()} == set(FILES)
    (folder / "vocabulary.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"vocabulary\.json: is no file of small, and an engine would read it; run"):
        locate(model, offline=True)
    assert not (obtain(model, offline=True).folder / "vocabulary.json").exists()


def test_a_given_path_comes_first_and_its_hash_must_fit(site: Path, cache: Path, tmp_path: Path) -> None:
    model = small_model(FILES)
    install(site, model, FILES)
    given = tmp_path / "given"
    given.mkdir()
    for name, data in FILES.items():
        (given / name).write_bytes(data)
    assert locate(model, True, given).folder == given
    copied = obtain(model, True, given).folder
    assert {path.name: path.read_bytes() for path in copied.iterdir()} == FILES
    (given / "vocabulary.txt").write_bytes(b"a\nc\n")
    with pytest.raises(ConfigError, match=r"vocabulary\.txt: expected sha256 \w{64}, got \w{64}; name a folder"):
        locate(model, True, given)
    with pytest.raises(ConfigError, match="no folder with the files of small"):
        locate(model, True, given / "model.bin")


def test_a_damaged_copy_in_the_cache_is_told_and_replaced_when_asked(site: Path, cache: Path) -> None:
    model = small_model(FILES, halves=True)
    install(site, model, FILES)
    folder = locate(model, offline=True).folder
    (folder / "model.bin").write_bytes(FILES["model.bin"][:-1])
    with pytest.raises(
        ConfigError, match=r"model\.bin: expected 2000 bytes, got 1999; run `tts-soak models get small`"
    ):
        locate(model, offline=True)
    assert "expected 2000 bytes" in str(availability(model).problem)
    assert (obtain(model, offline=True).folder / "model.bin").read_bytes() == FILES["model.bin"]


def test_the_hub_serves_the_pinned_revision_once_and_then_its_cache(tmp_path: Path) -> None:
    model = small_model(FILES)
    (tmp_path / "site").mkdir()
    where = {"HF_HOME": str(tmp_path / "hub")}
    with hub("somebody/small", REVISION, FILES) as (address, asked):
        first = start(model, tmp_path / "site", tmp_path / "cache", offline=False, HF_ENDPOINT=address, **where)
        output, errors = first.communicate(timeout=120)
        assert first.returncode == 0, errors
        files = [path for path in asked if "/resolve/" in path]
        assert {path.removeprefix(f"/somebody/small/resolve/{REVISION}/") for path in files} == set(FILES)
        assert f"snapshots/{REVISION}" in output
    again = start(model, tmp_path / "site", tmp_path / "cache", offline=True, **where)
    assert again.communicate(timeout=120)[0] == output


def test_a_damaged_copy_in_the_cache_of_the_hub_is_told_and_fetched_again_when_asked(tmp_path: Path) -> None:
    model, site, cache = small_model(FILES), tmp_path / "site", tmp_path / "cache"
    site.mkdir()
    with hub("somebody/small", REVISION, FILES) as (address, _):
        where = {"HF_HOME": str(tmp_path / "hub"), "HF_ENDPOINT": address}
        folder = Path(start(model, site, cache, offline=False, **where).communicate(timeout=120)[0].strip())
        (folder / "model.bin").write_bytes(bytes(reversed(FILES["model.bin"])))
        line = start(model, site, cache, offline=False, **where).communicate(timeout=120)[1]
        assert "model.bin: expected sha256" in line
        assert "run `tts-soak models get small` to fetch it again" in line
        again = start(model, site, cache, offline=False, ask="obtain", **where).communicate(timeout=120)
    assert again[0].strip() == str(folder), again
    assert (folder / "model.bin").read_bytes() == FILES["model.bin"]


def test_other_bytes_from_the_hub_are_refused(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    other = {**FILES, "model.bin": bytes(reversed(FILES["model.bin"]))}
    with hub("somebody/small", REVISION, other) as (address, _):
        child = start(small_model(FILES), tmp_path / "site", tmp_path / "cache", offline=False, HF_ENDPOINT=address)
        errors = child.communicate(timeout=120)[1]
    assert "model.bin: expected sha256" in errors
    assert errors.strip().count("\n") == 0


def test_two_processes_that_fetch_at_once_end_with_one_whole_copy(tmp_path: Path) -> None:
    files = contents(megabytes=8)
    model = small_model(files)
    (tmp_path / "site").mkdir()
    with hub("somebody/small", REVISION, files) as (address, _):
        where = {"HF_HOME": str(tmp_path / "hub"), "HF_ENDPOINT": address}
        children = [start(model, tmp_path / "site", tmp_path / "cache", offline=False, **where) for _ in range(2)]
        answers = [child.communicate(timeout=120) for child in children]
    folders = {output.strip() for output, _ in answers}
    assert len(folders) == 1, answers
    assert {path.name: path.read_bytes() for path in Path(folders.pop()).iterdir()} == files
    assert not list((tmp_path / "hub").rglob("*.incomplete"))
