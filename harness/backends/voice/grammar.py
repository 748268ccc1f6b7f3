"""The grammar of a generation that speaks its phones, each once and in order."""

from __future__ import annotations

from collections.abc import Sequence

from harness.backends.voice.geometry import Geometry

LONGEST_PHONE = 0.5  # s; the longest of 1,000 phones of the book has 0.28, the longest pause 0.24


def token_names(geometry: Geometry, size: int) -> list[str]:
    """Return the text of every token id, ``size`` of them, as it stands in the voice's GGUF files.

    No name is another one, nor the beginning of another: llama.cpp refuses doubles, and a grammar reads names letter by
    letter.
    """
    names = {geometry.bos: "<s>", geometry.eos: "</s>", geometry.end: "<end>", 0: "<pad>"}
    names |= {token: f"<speaker_{name}>" for name, token in geometry.speakers.items()}
    names |= {geometry.marker_offset + i: _marker(i) for i in range(geometry.markers)}
    names |= {geometry.phone_offset + i: _phone(phone) for i, phone in enumerate(geometry.phones)}
    for index, book in enumerate(geometry.codebooks):
        names |= {book.offset + i: f"<a{index}_{i}>" for i in range(book.size)}
    return [names.get(i, f"<unused{i}>") for i in range(size)]


def phone_grammar(phones: Sequence[str], geometry: Geometry) -> str:
    """Return llama.cpp's grammar (GBNF) of ``phones`` in order, each behind its marker and before its frames.

    A last marker ends it. How long a phone lasts, up to half a second, and how it sounds is left to the model. A voice
    that does not say its phones has markers and frames alone.
    """
    order = []
    for position, phone in enumerate(phones):
        said = _phone(phone) if geometry.says_phones else ""
        order.append(f'"{_marker(position % geometry.markers)}{said}" frames')
    order.append(f'"{_marker(len(phones) % geometry.markers)}"')
    codes = [f'"<a{index}_" [0-9]+ ">"' for index in range(len(geometry.codebooks))]
    most = round(LONGEST_PHONE / geometry.frame_seconds)
    return f"root ::= {' '.join(order)}\nframes ::= ({' '.join(codes)}){{0,{most}}}\n"


def _marker(index: int) -> str:
    return f"<m{index}>"


def _phone(name: str) -> str:
    return f"<p_{name}>"
