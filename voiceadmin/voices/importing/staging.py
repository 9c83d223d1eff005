"""The changes of one import, kept in a temporary file until the whole input is known to be valid."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from voiceadmin.errors import ImportRefused
from voiceadmin.voices.importing.checking import Change
from voiceadmin.voices.types.rows import VoiceRow


class StagedChanges:
    """The changes of an import in the order of the file. Memory holds one batch.

    The file has no name, so that no other process can open it, and disappears with this process.

    Attributes:
        count: number of changes.
    """

    def __init__(self) -> None:
        self.count = 0
        with _explain_full_folder():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close()

    def add(self, changes: Iterable[Change]) -> None:
        """Append a batch. Raises ImportRefused if the disk is full."""
        # Plain tuples are several times smaller and faster than pickled named tuples.
        batch = [(change.before and tuple(change.before), tuple(change.after)) for change in changes]
        if batch:
            self.count += len(batch)
            with _explain_full_folder():
                pickle.dump(batch, self._file, protocol=5)
                self._file.flush()

    def read_batches(self) -> Iterator[list[Change]]:
        """Yield every batch, as it was added."""
        end = self._file.tell()
        self._file.seek(0)
        while self._file.tell() < end:
            batch = pickle.load(self._file)  # noqa: S301  # only this object can write to the file
            yield [Change(before and VoiceRow._make(before), VoiceRow._make(after)) for before, after in batch]

    def is_equal(self, other: StagedChanges) -> bool:
        """Return whether another import has the same changes in the same order."""
        pairs = zip(self.read_batches(), other.read_batches(), strict=False)
        return self.count == other.count and all(mine == others for mine, others in pairs)

    def close(self) -> None:
        """Delete the file. The count stays."""
        with suppress(OSError):  # of a full disk: the rest of the last batch
            self._file.close()


@contextmanager
def _explain_full_folder() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImportRefused(
            f"The folder for temporary files{_name_folder()} cannot be used: {error.strerror}. Free space in it, or "
            "set TMPDIR to another folder. Nothing was written."
        ) from error


def _name_folder() -> str:
    return f", {tempfile.tempdir}," if tempfile.tempdir else ""  # None if Python found no folder that it can use
