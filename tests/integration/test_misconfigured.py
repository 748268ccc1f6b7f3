"""Variants files and corpora as people really write them: read, or refused in one line before anything is spoken."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.core.errors import ConfigError, CorpusError
from harness.core.variants import load_variants
from harness.corpora import load_corpus
from harness.engine.preflight import problems
from tools.attacks.damage import plan_in

NULL = '[variants.a]\nadapter = "null"\n'
HTTP = '[variants.a]\nadapter = "http"\n[variants.a.settings]\n'
COMMAND = '[variants.a]\nadapter = "command"\n[variants.a.settings]\ncommand = ["true", "{text}", "{output}"]\n'
LOCAL = f'{HTTP}url = "http://127.0.0.1:1"\n'

REFUSED = {
    "a list of settings": (f"{NULL}settings = [1]\n", "settings must be a table"),
    "defaults that are a list": (f"defaults = [1]\n{NULL}", "defaults must be a table"),
    "an endless timeout": (f"{NULL}request_timeout = inf\n", "request_timeout: input should be a finite number"),
    "no number": (f"{NULL}progress_timeout = nan\n", "progress_timeout"),
    "a language that is none": (f'{NULL}language = "klingon"\n', "not a BCP-47 tag"),
    "a long name": (f'[variants.{"a" * 500}]\nadapter = "null"\n', "500 letters, more than 100"),
    "a reference that is a number": (f"{NULL}reference = 1\n", "variants.a.reference"),
    "an adapter spelled with another letter": ('[variants.a]\nadapter = "nu\u217cl"\n', "did you mean 'null'?"),
    "an address without its bracket": (f'{HTTP}url = "http://[::1"\n', "is no address"),
    "a port beyond all": (f'{HTTP}url = "http://h:99999"\n', "is no address"),
    "a port in letters": (f'{HTTP}url = "http://h:abc"\n', "is no address"),
    "an address with a blank": (f'{HTTP}url = "http://a b"\n', "is no address"),
    "a socket's port": (
        '[variants.a]\nadapter="websocket"\n[variants.a.settings]\nurl="ws://h:x"\nsay=["{text}"]\n',
        "no add",
    ),
    "a header of two lines": (f'{LOCAL}headers = {{ X = "a\\r\\nB: c" }}\n', "cannot be sent"),
    "a header beyond ASCII": (f'{LOCAL}headers = {{ X = "\u4e2d" }}\n', "cannot be sent"),
    "a header with a blank in its name": (f'{LOCAL}headers = {{ "X y" = "a" }}\n', "no name of a header"),
    "a seed where the text goes": (f'{LOCAL}seed_fields = ["input.seed"]\n', "where the text goes"),
    "a variable with a sign in its name": (f'{COMMAND}env = {{ "A=B" = "x" }}\n', "no variable of an environment"),
    "a setting beside the adapter": (
        '[variants.a]\nadapter = "null"\nseconds_per_word = 2.0\n',
        "a setting of the adapter goes under [variants.a.settings]",
    ),
    "a variable with a NUL": (f'{COMMAND}env = {{ A = "x\\u0000" }}\n', "no variable of an environment"),
}


def told(folder, text: str) -> list[str]:
    path = folder / "v.toml"
    path.write_bytes(text.encode())
    try:
        variants = load_variants(path)
    except ConfigError as error:
        return str(error).splitlines()
    plan = plan_in(folder, chunks=1)
    ids = tuple(chunk.id for chunk in plan.corpus.chunks)
    return problems(replace(plan, variants=variants, selection={variant.name: ids for variant in variants}))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_work_is_one_line_that_names_the_key(tmp_path, name):
    text, word = REFUSED[name]
    lines = told(tmp_path, text)
    assert len(lines) == 1
    assert word in lines[0]
    assert lines[0].startswith(str(tmp_path / "v.toml"))


@pytest.mark.parametrize("text", ["\ufeff" + NULL, NULL.replace("\n", "\r\n"), NULL.replace(" ", "\t"), f"# x\n{NULL}"])
def test_marks_and_line_ends_of_editors_are_read(tmp_path, text):
    assert told(tmp_path, text) == []


def test_a_file_of_another_encoding_is_told_what_to_do(tmp_path):
    (tmp_path / "v.toml").write_bytes(NULL.encode("utf-16"))
    with pytest.raises(ConfigError, match="looks like UTF-16, save it as UTF-8"):
        load_variants(tmp_path / "v.toml")


@pytest.mark.parametrize("head", ["ID,Text", "id, text ", "\ufeffId,TEXT"])
def test_columns_are_known_however_a_spreadsheet_spells_them(tmp_path, head):
    (tmp_path / "own.csv").write_text(f"{head}\n7,Hello there.\n", encoding="utf-8")
    assert [(chunk.id, chunk.text) for chunk in load_corpus(str(tmp_path / "own.csv")).chunks] == [
        ("7", "Hello there.")
    ]


def test_a_column_by_another_name_is_not_renamed_to_itself(tmp_path):
    (tmp_path / "own.csv").write_text("id,txt\n7,Hello there.\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="rename 'txt' to 'text'"):
        load_corpus(str(tmp_path / "own.csv"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["verify", "x" * 5000], "no run 'xxx"),
        (["verify", "a\0b"], "no run 'a\\x00b'"),
        (["verify", "../.."], "no run '../..'"),
        (["runs", "--reports", "a-file"], "a-file: not a folder of runs"),
        (["corpora", "a-folder"], "a folder without recordings"),
        (["corpora", "generated:chunks=3,chunks=4"], "'chunks' is given twice"),
        (["presets", "piper", "--set", "model="], "--set model=: must be a key, '='"),
        (["presets", "piper", "--set", "model"], "--set model: must be a key, '='"),
        (["marks", "a-folder"], "not a regular file"),
        (["faults", "a\x1b[2J"], "unknown fault class 'a\\x1b[2J'"),
    ],
)
def test_odd_words_on_the_command_line_are_one_line_and_exit_code_4(tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").write_text("x")
    (tmp_path / "a-folder").mkdir()
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 4, done.output
    assert isinstance(done.exception, SystemExit)
    assert told in done.output
    assert len(done.output.strip().splitlines()) == 1


@pytest.mark.parametrize("option", [["--baseline", "x"], ["--baseline=x"], ["--night-quick"]])
def test_an_option_of_a_night_is_refused_where_there_is_none(pytester: pytest.Pytester, option: list[str]) -> None:
    done = pytester.runpytest_subprocess("-p", "harness.plugin", *option)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines([f"*{option[0].partition('=')[0]}: is of a night: it needs --nightly PLAN*"])
