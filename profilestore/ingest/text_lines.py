"""Bytes -> blocks of decoded lines: UTF-8 with or without BOM, or GB18030, found out on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from profilestore.errors import InputError
from profilestore.ingest.rejects import Intake
from profilestore.ingest.sources import ByteStream

__all__ = ["LineBlock", "find_bad_bytes", "read_lines"]

_LINE_LIMIT_BYTES: Final = 16 << 20
_UNDECODABLE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class LineBlock:
    """Lines without their line feed. `odd` says that some hold NUL or bytes of no known text."""

    first: int
    lines: list[str]
    quoted: bool
    odd: bool


def find_bad_bytes(text: str) -> str | None:
    """Why a text cannot be taken, or None: undecodable bytes (kept as surrogates) or a NUL byte."""
    if "\x00" in text:
        return "holds a NUL byte"
    if _UNDECODABLE.search(text) is not None:
        return "holds bytes that are neither UTF-8 nor GB18030"
    return None


class _Decoder:
    """Decides on the first bytes that are not ASCII, then stays with it."""

    def __init__(self, notes: dict[str, str]) -> None:
        self._notes = notes
        self._encoding: str | None = None
        notes.setdefault("encoding", "utf-8")

    def decode(self, data: bytes) -> tuple[str, bool]:
        """The text, and whether some line could not be decoded (its bytes stand as surrogates)."""
        if self._encoding is None:
            if data.isascii():
                return data.decode("ascii"), False
            self._encoding = _detect(data)
            self._notes["encoding"] = self._encoding
        try:
            return data.decode(self._encoding), False
        except UnicodeDecodeError:
            return "\n".join(self._decode_line(line) for line in data.split(b"\n")), True

    def _decode_line(self, line: bytes) -> str:
        try:
            return line.decode(self._encoding or "utf-8")
        except UnicodeDecodeError:
            return line.decode("utf-8", "surrogateescape")


def _detect(data: bytes) -> str:
    """UTF-8 unless more of the lines that are not ASCII are GB18030 only than are UTF-8."""
    utf8 = other = 0
    for line in data.split(b"\n"):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            utf8 += 1
        except UnicodeDecodeError:
            try:
                line.decode("gb18030")
                other += 1
            except UnicodeDecodeError:
                pass
    return "gb18030" if other > utf8 else "utf-8"


def read_lines(stream: ByteStream, *, intake: Intake, notes: dict[str, str]) -> Iterator[LineBlock]:
    """Cut a stream into blocks of whole lines; `notes["encoding"]` says what was taken.

    A line that is too long, and the cut-off last line of a truncated gzip, go to the rejects.

    Raises:
        InputError: the file is UTF-16.
    """
    if stream.head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{stream.label}: is UTF-16. Save it as UTF-8 (in Excel: CSV UTF-8).")
    decoder = _Decoder(notes)
    number = 1
    pending = b""
    overlong = False
    at_start = True
    for chunk in stream:
        if at_start:
            at_start = False
            if chunk.startswith(b"\xef\xbb\xbf"):
                chunk = chunk[3:]
                notes["encoding"] = "utf-8 with BOM"
        end = chunk.rfind(b"\n")
        if end < 0:
            overlong = overlong or len(pending) + len(chunk) > _LINE_LIMIT_BYTES
            pending = pending[:1000] if overlong else pending + chunk
            continue
        data, rest = pending + chunk[:end], chunk[end + 1 :]
        if overlong:
            _refuse_overlong(stream, number, pending, intake)
            cut = chunk.find(b"\n")
            data, number, overlong = chunk[cut + 1 : end], number + 1, False
            if cut == end:  # nothing whole after it in this chunk
                pending = rest
                continue
        block = _block(decoder, data, number)
        yield block
        number += len(block.lines)
        pending = rest
    if overlong:
        _refuse_overlong(stream, number, pending, intake)
    elif stream.broken is None and len(pending) > 0:
        yield _block(decoder, pending, number)
    if stream.broken is not None:
        intake.refuse(
            file=stream.label,
            line=number,
            column=None,
            reason=stream.broken,
            row=b"" if overlong else pending,
            unread=True,
        )


def _block(decoder: _Decoder, data: bytes, number: int) -> LineBlock:
    text, odd = decoder.decode(data)
    return LineBlock(first=number, lines=text.split("\n"), quoted='"' in text, odd=odd or "\x00" in text)


def _refuse_overlong(stream: ByteStream, number: int, start: bytes, intake: Intake) -> None:
    intake.refuse(
        file=stream.label, line=number, column=None, unread=True, row=start,
        reason=f"the line is longer than {_LINE_LIMIT_BYTES >> 20} MiB",
    )  # fmt: skip
