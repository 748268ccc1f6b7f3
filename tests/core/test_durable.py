"""Files that are there whole or not at all."""

import pytest

from harness.core.durable import write_durably


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "a.json"
    write_durably(path, b"first")
    write_durably(path, b"second, and longer")
    assert path.read_bytes() == b"second, and longer"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_what_cannot_be_written_leaves_no_debris(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError):
        write_durably(tmp_path / "taken", b"bytes")
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]
