"""What a request, a listing or a deletion can end in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from voiceadmin.enums import LabelledEnum

T = TypeVar("T")


class FaultKind(LabelledEnum):
    """Why a request or a listing failed."""

    ADDRESS_REFUSED = "address-refused", "Address refused"
    UNREACHABLE = "unreachable", "Not reachable"
    TIMED_OUT = "timed-out", "Timed out"
    INSECURE = "insecure", "No secure connection"
    REDIRECTED = "redirected", "Redirected"
    TOO_LARGE = "too-large", "Response too large"
    TRUNCATED = "truncated", "Response incomplete"
    NOT_JSON = "not-json", "Not JSON"
    WRONG_SHAPE = "wrong-shape", "Unexpected response"
    KEY_REFUSED = "key-refused", "Key refused"
    RIGHT_MISSING = "right-missing", "Right missing"
    NOT_FOUND = "not-found", "Not found"
    CONFLICT = "conflict", "Conflict"
    QUOTA_USED_UP = "quota-used-up", "Quota used up"
    RATE_LIMITED = "rate-limited", "Too many requests"
    SERVER_FAILED = "server-failed", "Server failed"
    REQUEST_REFUSED = "request-refused", "Request refused"
    REPEATED_PAGE = "repeated-page", "Page repeated"
    TOTAL_DIFFERS = "total-differs", "Total differs"
    TOO_MANY_PAGES = "too-many-pages", "Too many pages"


class Fault(NamedTuple):
    """Why a request or a listing failed.

    Attributes:
        kind: the reason.
        message: one or two sentences for people, without secrets.
        status: the HTTP status; None without a response.
        code: the upstream's own word for the error; "" if it gave none.
        retry_after: seconds that the upstream asked to wait; None if it did not.
    """

    kind: FaultKind
    message: str
    status: int | None = None
    code: str = ""
    retry_after: float | None = None


class UpstreamFailed(Exception):
    """A request failed."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class RequestRecord(NamedTuple):
    """One attempt of a request, for the history of a run.

    Attributes:
        target: path and query; they never contain a key.
        attempt: from 1.
        status: the HTTP status; None without a response.
        milliseconds: until the body was read, or the request failed.
        size: bytes of the decoded body.
        request_id: what the upstream calls this request; "" if it gave none.
        fault: None if the request succeeded.
    """

    method: str
    target: str
    attempt: int
    status: int | None
    milliseconds: int
    size: int
    request_id: str
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class Complete(Generic[T]):
    """A listing that was read to its documented end. Only this outcome proves that something is absent.

    Attributes:
        items: without repetitions.
        pages: number of responses.
    """

    items: tuple[T, ...]
    pages: int


@dataclass(frozen=True, slots=True)
class Incomplete(Generic[T]):
    """A listing of which at least one page was read, but not the end.

    Attributes:
        items: of the pages that were read, without repetitions.
        pages: number of pages that were read.
        fault: why the rest is missing.
    """

    items: tuple[T, ...]
    pages: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class Broken:
    """A listing of which nothing could be read. It is never the same as an empty listing."""

    fault: Fault


Outcome = Complete[T] | Incomplete[T] | Broken


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider says that it has deleted the voice. Only a look-up proves that. status: the HTTP status."""

    status: int


@dataclass(frozen=True, slots=True)
class NotThere:
    """The provider says that it has no such voice. fault: its answer."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was deleted: the request was not sent, or the provider refused it. fault: why."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Whether the voice was deleted is not known. fault: what came instead of an answer."""

    fault: Fault


Deletion = Accepted | NotThere | Refused | Unconfirmed
