"""Turn the bytes of an import file into text: compression, byte order marks, and files that are no text."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from typing import Any, BinaryIO, cast

from voiceadmin.voices.importing.types import refuse

HEAD_SIZE = 1 << 12  # bytes that are looked at


# The first bytes of files that are no lists of voices, with what to do.
SIGNATURES = {
    b"PK\x03\x04": ("is a workbook or a ZIP archive.", "Save the sheet as “CSV UTF-8”, or extract the file."),
    b"\xd0\xcf\x11\xe0": ("is an old workbook.", "Save the sheet as “CSV UTF-8”."),
    b"%PDF": ("is a PDF document.", "Import JSON or CSV."),
    b"SQLite format 3\0": ("is an SQLite database.", "Import JSON or CSV; to restore a backup, see the documentation."),
    b"BZh": ("is compressed with bzip2.", "Decompress it first."),
    b"\xfd7zXZ": ("is compressed with xz.", "Decompress it first."),
    b"(\xb5/\xfd": ("is compressed with zstd.", "Decompress it first."),
}


def open_text(stream: BinaryIO) -> io.TextIOWrapper:
    """Return the text of a stream, which may be compressed with gzip, and in UTF-8, or UTF-16 with a byte order mark.

    Raises:
        UnreadableInput: if it is a file of another kind.
    """
    head = _read_head(stream)
    joined = io.BufferedReader(_Joined(head, stream))
    if head.startswith(b"\x1f\x8b"):
        return open_text(cast("BinaryIO", io.BufferedReader(_Gunzipped(joined))))
    for signature, (problem, remedy) in SIGNATURES.items():
        if head.startswith(signature):
            refuse(problem, remedy)
    encoding = "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        encoding = "utf-8-sig"  # which refuses it
    return io.TextIOWrapper(joined, encoding=encoding, newline="")


def _read_head(stream: BinaryIO) -> bytes:
    """Return the first bytes of a stream: HEAD_SIZE, or fewer at its end."""
    head = b""
    while len(head) < HEAD_SIZE and (part := stream.read(HEAD_SIZE - len(head))):
        head += part
    return head


class _Joined(io.RawIOBase):
    """The bytes that were read already, then the rest of the stream."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head[: len(buffer)] or self._stream.read(len(buffer))
        self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        return len(data)


class _Gunzipped(io.RawIOBase):
    """The content of a stream that is compressed with gzip."""

    def __init__(self, stream: Any) -> None:
        self._file = gzip.GzipFile(fileobj=stream)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except (EOFError, OSError, zlib.error) as error:
            refuse("is an incomplete or damaged gzip file.", "Get the complete file again.", cause=error)
        buffer[: len(data)] = data
        return len(data)
