"""Organization rows, and the rule that every query takes a scope."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select

import voiceadmin
from tests.factories import make_organization
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import OrganizationNotFound
from voiceadmin.identity import EVERYTHING, NOTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import (
    MAX_LISTED,
    find_organization_id,
    find_organizations,
    format_organization,
    format_revision,
    list_organization_choices,
    list_organizations,
    restrict_to_scope,
)

PACKAGE = Path(voiceadmin.__file__).parent
SCOPES = {("scope", "Scope"), ("requester", "Requester"), ("organization_id", "OrganizationId")}
QUERY_MODULES = {"queries", "listing", "exporting", "usage"}
READS_DATABASE = ("db.session", "fetch_all(", "fetch_first_row(", "fetch_rows(")

SECRET = "the secret is the scope"
CHECKED = "the caller found these objects or this plan within a scope"
LISTING = "a part of list_voices, which takes an OrganizationId"
WITHOUT_SCOPE = {  # queries that take no scope, with the reason
    "accounts.find_session": SECRET,
    "accounts.find_link": SECRET,
    "api_keys.find_api_key": SECRET,
    "accounts.has_account": "called for the e-mail address of a one-time link",
    "accounts.find_account_id": "called by the CLI only, which may see everything",
    "organizations.find_organization_id": "called by the CLI only, which may see everything",
    "accounts.has_any_account": "returns only whether the database has been set up",
    "sample.database_is_empty": "returns only whether the database is empty",
    "operations.get_last_operation_id": "a counter that reveals no object",
    "cleanup.list_prices": "prices are the same for all organizations",
    "cleanup.list_plan_organizations": CHECKED,
    "cleanup.list_undoable_operations": CHECKED,
    "cleanup.list_items": CHECKED,
    "cleanup.recheck_items": CHECKED,
    "cleanup.count_rechecked": CHECKED,
    "cleanup.export_restore_sheet": CHECKED,
    "cleanup.read_uses": CHECKED,
    "cleanup.check_voices": CHECKED,
    "cleanup.find_ended_early": CHECKED,
    "cleanup.list_deletion_items": CHECKED,
    "cleanup.count_deletion_states": CHECKED,
    "cleanup.list_open_requests": "called for a plan or source found within a scope, and by processes that serve all",
    "cleanup.list_orphans": CHECKED,
    "cleanup.list_platform": CHECKED,
    "cleanup.check_orphan": CHECKED,
    "cleanup.list_orphan_deletions": CHECKED,
    "cleanup.count_orphan_deletions": CHECKED,
    "triage.find_findings": CHECKED,
    "triage.list_queue_items": CHECKED,
    "triage.read_queue_sources": CHECKED,
    "sources.find_last_read": CHECKED,
    "history.read_use_history": CHECKED,
    "history.read_slot_histories": CHECKED,
    "history.read_recent_use": CHECKED,
    "history.read_days": CHECKED,
    "history.find_trends_day": "the day of a renewal, which belongs to no organization",
    "voices.find_voices_of_assistants": CHECKED,
    "voices.count_assistants_by_voice": CHECKED,
    "voices.count_voices_in_use": CHECKED,
    "sources.find_sync_process": "returns only how often sources are synced",
    "totals.find_wrong_totals": "returns numbers of wrong rows, to the CLI only",
    "voices.build_verdict_filter": LISTING,
    "voices.list_groups": LISTING,
    "voices.count_idle_voices": LISTING,
    "voices.scan_index": LISTING,
    "voices.look_up_page": LISTING,
    "voices.fetch_voices": LISTING,
}


def functions_that_read() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the public functions of query modules that read the database, directly or through their module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if len(parts) < 2 or parts[1] not in QUERY_MODULES:
            continue
        functions = {
            node.name: node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)
        }
        for name, function in functions.items():
            if not name.startswith("_") and reads_database(function, functions):
                yield f"{parts[0]}.{name}", function


def reads_database(
    function: ast.FunctionDef, functions: dict[str, ast.FunctionDef], seen: frozenset[str] = frozenset()
) -> bool:
    if any(text in ast.unparse(function) for text in READS_DATABASE):
        return True
    called = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)} & functions.keys() - seen
    return any(reads_database(functions[name], functions, seen | called | {function.name}) for name in called)


def arguments(function: ast.FunctionDef) -> set[tuple[str, str]]:
    every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return {(argument.arg, ast.unparse(argument.annotation)) for argument in every if argument.annotation}


def test_every_query_takes_a_scope() -> None:
    queries = dict(functions_that_read())
    unscoped = {name for name, function in queries.items() if not arguments(function) & SCOPES}

    assert unscoped == set(WITHOUT_SCOPE)
    assert len(queries) - len(unscoped) >= 25


def test_a_scope_has_no_default() -> None:
    for name, function in functions_that_read():
        required = len(function.args.args) - len(function.args.defaults)
        optional = function.args.args[required:]
        assert not {(one.arg, ast.unparse(one.annotation)) for one in optional if one.annotation} & SCOPES, name


def test_only_the_queries_of_organizations_create_organization_ids() -> None:
    makers = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "OrganizationId"
    }

    assert makers == {"organizations/queries.py"}


def test_a_column_is_restricted_to_the_organizations_of_a_scope(app: Flask) -> None:
    one, two, three = (make_organization().id for _ in range(3))

    def found(scope: Scope) -> list[int]:
        return list(
            db.session.scalars(select(Organization.id).where(restrict_to_scope(scope, Organization.id)).order_by("id"))
        )

    assert found(EVERYTHING) == [one, two, three]
    assert found(Scope(frozenset({three, one, 999}))) == [one, three]
    assert found(NOTHING) == []


def test_a_revision_names_database_organization_and_state() -> None:
    assert format_revision(5, "store", 7) == "store/5/7"


def test_an_organization_is_found_by_its_exact_name_or_its_id(app: Flask) -> None:
    acme, upper = make_organization("Acme"), make_organization("ACME")

    assert [find_organization_id(text) for text in ("Acme", "ACME", str(acme.id))] == [acme.id, upper.id, acme.id]
    with pytest.raises(OrganizationNotFound, match=r'^There is no organization "acme"\.$'):
        find_organization_id("acme")


def make_organizations(*names: str, **fields: Any) -> list[int]:
    """Create organizations with one statement, and return their ids."""
    with write_transaction():
        db.session.execute(insert(Organization), [{"name": name, **fields} for name in names])
    return [*db.session.scalars(select(Organization.id).order_by(Organization.id.desc()).limit(len(names)))][::-1]


def test_organizations_are_listed_for_a_form_until_they_are_too_many(app: Flask) -> None:
    zed, acme, *_ = make_organizations("Zed", "Acme", *(f"M {number}" for number in range(MAX_LISTED - 2)))
    (merged,) = make_organizations("Merged", merged_into_id=acme)

    listed = list_organization_choices(EVERYTHING).listed
    assert listed is not None
    assert list(listed.items()) == list(list_organizations(EVERYTHING).items())
    assert list_organization_choices(NOTHING).listed == {}

    make_organizations("One more")

    assert list_organization_choices(EVERYTHING).listed is None
    assert list_organization_choices(Scope(frozenset({zed, acme, merged}))).listed == {acme: "Acme", zed: "Zed"}
    assert list_organization_choices(EVERYTHING).find("Zed") == {zed: "Zed"}


def test_a_text_names_an_organization_by_id_name_or_a_part_of_its_name(app: Flask) -> None:
    names = ("Acme", "ACME", "Acme West", "Café Müller", f"Number {2**63}", "Berlin (2)", "Bolt (1)")
    ids = make_organizations(*names)
    by_name = dict(zip(names, ids, strict=True))

    def found(text: str) -> list[str]:
        matches = find_organizations(EVERYTHING, text)
        assert all(by_name[name] == id for id, name in matches.items())
        return list(matches.values())

    assert found(str(by_name["Acme West"])) == ["Acme West"], "by id"
    assert found("Acme") == ["Acme"], "in the same spelling first"
    assert found("acme") == ["ACME", "Acme"], "then in another case"
    assert found("acm") == ["ACME", "Acme", "Acme West"], "then as a part"
    assert found("CAFE MULLER") == ["Café Müller"], "without accents"
    assert found(f"Acme ({by_name['Acme']})") == ["Acme"], "as a text field shows it"
    assert found("berlin (2)") == ["Berlin (2)"], "a name that ends like that"
    assert found("ACME (999)") == []
    assert found(str(2**63)) == [f"Number {2**63}"], "a number that is no id"
    assert found("zzz") == []


def test_a_text_names_no_organization_outside_the_scope_and_no_merged_one(app: Flask) -> None:
    acme, bolt = make_organizations("Acme", "Bolt")
    (merged,) = make_organizations("Acme merged", merged_into_id=acme)

    for text in (str(bolt), "Bolt", "bol", f"Bolt ({bolt})"):
        assert find_organizations(Scope(frozenset({acme})), text) == {}
        assert find_organizations(EVERYTHING, text) == {bolt: "Bolt"}
    for text in (str(merged), "Acme merged", "merged"):
        assert find_organizations(EVERYTHING, text) == {}


@pytest.mark.parametrize("name", ["Acme", "", " two\n lines\t", "e\u0301", "\u202eright", "x" * 10_000, "Acme (12)"])
def test_the_text_of_a_text_field_names_the_organization(app: Flask, name: str) -> None:
    make_organizations("Acme", "Acme", "two lines")
    (id,) = make_organizations(name)
    text = format_organization(id, name)

    assert find_organizations(EVERYTHING, text) == {id: name}
    assert text.isprintable()
    assert len(text) <= 130
