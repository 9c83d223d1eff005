"""What is true about a voice, from the declared world alone: the table of docs/sources.md, written a second time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from tests.sources.world import Hosted, Named, Workspace

Answer = tuple[str | None, str]  # verdict and certainty

MAX_AGE = timedelta(days=2)
CLONING_TIMEOUT = timedelta(hours=1)  # not less than that of any provider
CURRENT = {"confirmed", "listed"}

# The verdict about a voice of ours, by its status on the platform and its state at the provider.
OVERDUE = {
    ("processing", "processing"): "stuck",
    ("processing", "waiting"): "stuck",
    ("ready", "ready"): "in-step",
    ("ready", "failed"): "broken",
    ("ready", "blocked"): "broken",
    ("ready", "archived"): "broken",
    ("failed", "failed"): "in-step",
    ("failed", "blocked"): "in-step",
}


def is_in_scope(workspace: Workspace, voice: Named) -> bool:
    """Whether a workspace has a source of the voice's provider and organization."""
    is_owned = workspace.owner in (None, voice.organization)
    return workspace.source is not None and workspace.kind == voice.provider and is_owned


def is_fresh(workspace: Workspace, now: datetime) -> bool:
    """Whether the list of a workspace is the newest and not too old."""
    return workspace.is_current and not workspace.is_changed and now - workspace.read_at <= MAX_AGE


def exists(voice: Named, workspaces: Iterable[Workspace]) -> bool:
    """Whether any workspace of the provider has the voice, whether or not it is connected."""
    return any(w.kind == voice.provider and voice.ref in {*w.hosted, *w.former} for w in workspaces)


def list_verdicts(
    voice: Named, others: Sequence[Named], workspaces: Sequence[Workspace], now: datetime
) -> set[str | None]:
    """Return the verdicts that are right if all lists of the provider are fresh. None: not verified.

    More than one is right only while another provider is not read, or after a source was removed.
    """
    used = [workspace for workspace in workspaces if is_in_scope(workspace, voice) and workspace.is_usable]
    found = [workspace.read[voice.ref] for workspace in used if workspace.read and voice.ref in workspace.read]
    if found:
        return {judge_listed(voice, min(found, key=lambda hosted: not hosted.is_ours), others, now)}
    return _judge_absent(voice, used, workspaces, now)


def judge_listed(voice: Named, hosted: Hosted, others: Sequence[Named], now: datetime) -> str | None:
    """Return the verdict about a voice that a list has."""
    if hosted.state == "unknown":
        return None
    if not hosted.is_ours:
        if hosted.breaks_at is None:
            return "not-ours"
        return "withdrawn" if hosted.breaks_at <= now else "will-break"
    if voice.is_archived:
        return "in-step" if hosted.state == "archived" else "archived-but-paid"
    if shares_reference(voice, others):
        return "duplicate"
    if voice.status == "processing" and now - voice.created_at < CLONING_TIMEOUT:
        return "in-step"
    return OVERDUE.get((voice.status, hosted.state), "drifted")


def shares_reference(voice: Named, others: Sequence[Named]) -> bool:
    """Whether another voice of the organization that is not archived has the same ID at the provider."""
    mine = (voice.organization, voice.provider, voice.ref)
    return any(
        (other.organization, other.provider, other.ref) == mine and other.id != voice.id and not other.is_archived
        for other in others
    )


def _judge_absent(
    voice: Named, used: Sequence[Workspace], workspaces: Sequence[Workspace], now: datetime
) -> set[str | None]:
    """Return the verdicts that are right about a voice that all lists lack."""
    if any(is_in_scope(workspace, voice) and workspace.is_disabled for workspace in workspaces):
        return {None}
    elsewhere = [
        workspace
        for workspace in workspaces
        if workspace.source is not None and workspace.owner in (None, voice.organization)
        if workspace.kind != voice.provider and may_be_known_as_ours(workspace, voice.ref)
    ]
    doubtful = {"missing", "in-step", "wrong-provider", None}
    if elsewhere:
        is_certain = any(workspace.is_usable and is_fresh(workspace, now) for workspace in elsewhere)
        is_certain = is_certain and all(is_known_as_ours(workspace, voice.ref) for workspace in elsewhere)
        return {"wrong-provider"} if is_certain else doubtful
    if voice.status == "processing" and now - voice.created_at < CLONING_TIMEOUT:
        return {"in-step"}
    if any(w.kind == voice.provider and (w.source is None or w.was_accepted) for w in workspaces):
        return {None} if exists(voice, workspaces) else doubtful - {"wrong-provider"}
    if voice.is_archived or voice.status == "failed":
        return {"in-step"}
    return {"missing"} if all(can_prove_absence(workspace, voice.ref) for workspace in used) else {None}


def may_be_known_as_ours(workspace: Workspace, id: str) -> bool:
    """Whether a list, or a part of one, may have had a voice as one of ours."""
    return is_known_as_ours(workspace, id) or (id in workspace.hosted and workspace.hosted[id].is_ours)


def is_known_as_ours(workspace: Workspace, id: str) -> bool:
    """Whether a list had a voice as one of ours."""
    return workspace.read is not None and id in workspace.read and workspace.read[id].is_ours


def can_prove_absence(workspace: Workspace, id: str) -> bool:
    """Whether a look-up can tell that a voice does not exist: it was sent, and finds nothing.

    Inworld tells it for IDs of the key's workspace, which it names only in its voices.
    """
    if not workspace.is_asked_for(id) or id in workspace.hosted:
        return False
    has_name = any(voice.is_ours for voice in workspace.hosted.values())
    return workspace.kind != "inworld" or (id.startswith("acme__") and has_name)


def check_certainty(voice: Named, answer: Answer, workspaces: Sequence[Workspace], now: datetime) -> None:
    """Check on what an answer rests."""
    verdict, certainty = answer
    known = [workspace for workspace in workspaces if is_in_scope(workspace, voice)]
    used = [workspace for workspace in known if workspace.is_usable]
    if not used:
        assert answer == (None, "by-choice"), answer
        return
    if any(workspace.read is None or workspace.is_changed for workspace in used):
        assert answer == (None, "unverified"), answer
        return
    are_fresh = all(is_fresh(workspace, now) for workspace in used)
    assert (certainty in CURRENT) <= are_fresh, answer
    assert (certainty == "stale") <= (not are_fresh), answer
    assert (verdict is not None) <= (certainty in {*CURRENT, "stale"}), answer
    if certainty == "confirmed":
        assert any(workspace.is_asked_for(voice.ref) for workspace in used), answer
    if verdict == "missing":
        assert certainty == "confirmed"
        assert all(workspace.is_asked_for(voice.ref) for workspace in used)


def is_safe(
    voice: Named, others: Sequence[Named], workspaces: Sequence[Workspace], used_refs: set[tuple[int, str, str]]
) -> bool:
    """Whether a voice can be deleted at its provider without harm: it is listed as ours, and nothing else means it."""
    lists = [w.read for w in workspaces if is_in_scope(w, voice) and w.is_usable and w.read and voice.ref in w.read]
    is_ours = any(read[voice.ref].is_ours for read in lists)
    is_used = (voice.organization, voice.provider, voice.ref) in used_refs
    return is_ours and not is_used and not shares_reference(voice, others)
