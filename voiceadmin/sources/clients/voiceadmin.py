"""Another voiceadmin, read through its JSON route, whose lists belong to the organization of an assistant each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from voiceadmin.sources.clients.outcomes import Complete, Fault, FaultKind, Outcome, UpstreamFailed
from voiceadmin.sources.clients.parsing import refuse_shape, require_list
from voiceadmin.sources.clients.transport import Transport
from voiceadmin.sources.clients.types import PlatformAssistant, UpstreamOrganization

ADDRESS = ""  # each installation has its own

HOSTS: tuple[str, ...] = ()

ASSISTANTS = "/api/v1/assistants"


def build_headers(key: str) -> dict[str, str]:
    """Return the headers that authenticate a request."""
    return {"Authorization": f"Bearer {key}"}


class Voiceadmin:
    """The assistants of another voiceadmin that a source names.

    Attributes:
        etags: of each list, by its path. The next download sends those that are given, and stores those that came.
    """

    def __init__(self, transport: Transport, assistant_ids: Iterable[int | str] = ()) -> None:
        self.etags: dict[str, str] = {}
        self._transport = transport
        self._assistant_ids = tuple(assistant_ids)

    def download_voices(self, file: BinaryIO, assistant_ids: Iterable[int | str] = ()) -> str:
        """Write the voices of the assistants to a file, each once.

        Returns:
            The path of the first list; "" if no list has changed. Nothing is written then.

        Raises:
            UpstreamFailed: if a list did not arrive as a whole.
        """
        paths = [f"{ASSISTANTS}/{id}/cloned-voices" for id in assistant_ids] or self._refuse_no_assistant()
        former, self.etags = self.etags, {}
        if len(paths) == 1:
            return paths[0] if self._download(paths[0], file, former.get(paths[0], "")) else ""
        return self._download_all(paths, file, former)

    def _download_all(self, paths: list[str], file: BinaryIO, former: Mapping[str, str]) -> str:
        """Write several lists as one. A list that has not changed is needed nevertheless if another one has."""
        voices: dict[str, Any] = {}
        unchanged = [path for path in paths if path in former and not self._add(path, voices, former[path])]
        if len(unchanged) == len(paths):
            return ""
        for path in paths:
            if path in unchanged or path not in former:
                self._add(path, voices, "")
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"cloned_voices": list(voices.values())}).encode())
        return paths[0]

    def _add(self, path: str, voices: dict[str, Any], etag: str) -> bool:
        """Add the voices of one list by their ids. Return whether the list has changed."""
        with TemporaryFile() as file:
            if not self._download(path, file, etag):
                return False
            file.seek(0)
            try:
                body = json.load(file)
            except (ValueError, RecursionError):
                refuse_shape(self._transport.host, "it is not JSON.")
            entries = require_list(body, "cloned_voices", self._transport.host)
            voices |= {str(entry.get("id") if isinstance(entry, dict) else entry): entry for entry in entries}
        return True

    def _download(self, path: str, file: BinaryIO, etag: str) -> bool:
        """Write one list to a file. Return False if it has not changed since the one with this ETag."""
        found = self._transport.download_if_changed(path, file, etag)
        self.etags[path] = etag if found is None else found
        return found is not None

    def _refuse_no_assistant(self) -> list[str]:
        message = f"{self._transport.host} lists voices by assistant. Name an assistant of it in the source."
        raise UpstreamFailed(Fault(FaultKind.REQUEST_REFUSED, message))

    def list_assistants(self) -> Outcome[PlatformAssistant]:
        """Return no assistants: there is no list of them."""
        return Complete((), 0)

    def read_organization(self) -> UpstreamOrganization:
        """Return an organization without an id: there is no address that tells it."""
        return UpstreamOrganization("", "")

    def check_list(self) -> None:
        """Request one voice of the first assistant, to find out whether the key may list voices."""
        path = f"{ASSISTANTS}/{(self._assistant_ids or ('',))[0]}/cloned-voices"
        require_list(self._transport.get_json(path, {"limit": 1}), "cloned_voices", self._transport.host)

    def check_assistants(self) -> None:
        """Request one voice of each assistant."""
        for id in self._assistant_ids:
            path = f"{ASSISTANTS}/{id}/cloned-voices"
            require_list(self._transport.get_json(path, {"limit": 1}), "cloned_voices", self._transport.host)
