"""What is said of a machine so that it means something on another one."""

from harness.causes.portable import without_paths


def test_paths_become_names_of_files_at_any_depth_and_nothing_else_changes():
    told = {
        "model": "/models/a/voice.gguf",
        "args": ["-m", "/tmp/b.wav", "/"],
        "seed": 7,
        "text": "/ a slash\nand more",
    }
    assert without_paths(told) == {"model": "voice.gguf", "args": ["-m", "b.wav", "/"], "seed": 7, "text": told["text"]}
