"""The providers side by side: what they hold for us, how good it is, how much of it fails."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import sqrt
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request, url_for

from voiceadmin import clock
from voiceadmin.audit.types import AuditTarget, ObjectKind
from voiceadmin.identity import Role, Scope
from voiceadmin.organizations.queries import list_organizations
from voiceadmin.providers.forms import ProvidersForm
from voiceadmin.providers.queries import list_provider_stats, providers_file
from voiceadmin.providers.types import ProviderStats
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.downloads import list_audited_organizations, parse_export_format, stream_export
from voiceadmin.web.stats_cache import CachedStats, get_stats_cache

bp = Blueprint("providers", __name__)


ENOUGH = 20  # voices from which a share says anything


LEAST_SHOWN = 0.1  # percent


CONFIDENCE = 1.96  # standard deviations: 95 of 100 samples lie within


@bp.get("/providers")
@require_role(Role.VIEWER)
def index() -> tuple[str, int]:
    """Every provider that holds voices, in figures."""
    organizations = list_organizations(scope())
    form = ProvidersForm(request.args, organizations)
    if not form.validate():
        return render_template("providers/index.html", form=form, counted=None), 422
    chosen, now = form.chosen(), clock.now()
    counted = _count(_narrowed(chosen), now)
    return render_template(
        "providers/index.html",
        form=form,
        counted=counted,
        organization=None if chosen is None else organizations[chosen],
        whole=_narrowed(chosen).organizations is None,
        contrast=contrast(counted.stats),
        enough=ENOUGH,
        percent=percent,
        slots=_slots(),
        address=url_for("providers.index", organization=chosen),
        now=now,
    ), 200


@bp.get("/providers.<format>")
@require_role(Role.VIEWER)
def export(format: str) -> Response | tuple[str, int]:
    """The same figures as a file."""
    wanted = parse_export_format(format)
    form = ProvidersForm(request.args, list_organizations(scope()))
    if not form.validate():
        return render_template("providers/index.html", form=form, counted=None), 422
    chosen, now = form.chosen(), clock.now()
    at, figures = _count(_narrowed(chosen), now)
    return stream_export(
        "providers",
        wanted,
        lambda: providers_file(figures, _slots(), at, wanted),
        target=AuditTarget(ObjectKind.DATABASE, None, "providers"),
        filters={} if chosen is None else {"organization": chosen},
        organizations=list_audited_organizations(scope(), chosen),
        now=now,
    )


def _count(where: Scope, now: datetime) -> CachedStats[list[ProviderStats]]:
    """The figures of a scope: those of just now, or of at most a minute ago if counting takes long."""
    return get_stats_cache().get(("providers", where), lambda: list_provider_stats(where, now=now), now=now)


def contrast(figures: Sequence[ProviderStats]) -> tuple[ProviderStats, ProviderStats] | None:
    """The provider at which the greatest share of cloning failed lately, and that with the smallest.

    None if that may be chance, or if fewer than two made enough voices.
    """
    compared = sorted((one for one in figures if one.made >= ENOUGH), key=lambda one: one.failed / one.made)
    if len(compared) < 2 or _likely(compared[-1])[0] <= _likely(compared[0])[1]:
        return None
    return compared[-1], compared[0]


def percent(part: int, whole: int) -> str:
    """A share with one decimal where there is one; neither nothing nor all of it if it is not."""
    share = 100 * part / whole
    if 0 < share < LEAST_SHOWN:
        return f"under {LEAST_SHOWN} %"
    if 100 - LEAST_SHOWN < share < 100:
        return f"over {100 - LEAST_SHOWN} %"
    return f"{share:.1f}".removesuffix(".0") + " %"


def _likely(one: ProviderStats) -> tuple[float, float]:
    """Between which bounds a provider's share of failures lies, by what it made: Wilson's interval."""
    share, square = one.failed / one.made, CONFIDENCE**2
    middle = share + square / (2 * one.made)
    spread = CONFIDENCE * sqrt(share * (1 - share) / one.made + square / (4 * one.made**2))
    return (middle - spread) / (1 + square / one.made), (middle + spread) / (1 + square / one.made)


def _narrowed(organization: int | None) -> Scope:
    return scope() if organization is None else Scope(frozenset({organization}))


def _slots() -> dict[str, int]:
    settings: Any = current_app.config["VOICEADMIN"]
    return dict(settings.slots)
