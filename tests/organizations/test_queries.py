"""What rows are made of, and the rule that every query is asked on behalf of somebody."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Column, Integer, String, select

import voiceadmin
from tests.factories import make_organization
from voiceadmin.database.base import db
from voiceadmin.database.dialect import compile_select
from voiceadmin.identity import EVERYTHING, NOTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import format_revision, restrict_to_scope

PACKAGE = Path(voiceadmin.__file__).parent
SCOPED = {("scope", "Scope"), ("requester", "Requester"), ("organization_id", "OrganizationId")}
WITHOUT = {  # queries that need no scope, each for a reason
    "store.check_schema_version": "says whether there is a store, and nothing of what is in it",
    "store.database_is_empty": "the same",
    "visitors.find_session": "the secret is the scope",
    "visitors.find_api_key": "the secret is the scope",
    "visitors.find_link": "the secret is the scope",
    "visitors.link_row": "makes a row of what others have read",
    "visitors.has_account": "for whoever holds a link to that e-mail",
    "visitors.has_any_account": "says whether the store has been set up",
    "attention.reasons_of": "for what the caller has found in a scope",
    "attention.lines_of": "the same",
    "attention_answer.item_record": "writes a line that others have read",
    "desk.count_set_to": "for what the caller has found in a scope",
    "attention.line_record": "writes a line that others have read",
    "desk.operation_row": "makes a row of what others have read",
    "desk.is_undoable": "reads nothing",
    "desk.get_last_operation_id": "a number that says nothing of what it numbers",
    "providers.providers_file": "writes figures that others have read",
    **{
        f"clean_up.{name}": "for a plan that the caller has found in a scope"
        for name in (
            "organizations_of_plan",
            "list_undoable_operations",
            "list_items",
            "judge",
            "check_plan",
            "restore_sheet",
        )
    },
    "clean_up.list_prices": "prices are everybody's",
    "voices.voice_record": "writes a voice that others have read",
    "search.candidates": "makes SQL out of an id that the list was given",
    "search.held": "makes SQL and reads nothing",
    **{
        f"rows.{name}": "makes rows of what others have read, or statements that others narrow"
        for name in (
            *("build_voice_row", "build_voice_values", "build_voice_columns", "build_organization_row", "revision"),
            *("select_assistants", "build_assistant_row", "ready", "with_upstream_status"),
        )
    },
}


def queries() -> dict[str, ast.FunctionDef]:
    """All public functions of the queries, by module and name."""
    return {
        f"{path.stem}.{node.name}": node
        for path in sorted((PACKAGE / "queries").glob("*.py"))
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def arguments(function: ast.FunctionDef) -> set[tuple[str, str]]:
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return {(argument.arg, ast.unparse(argument.annotation)) for argument in given if argument.annotation}


def test_every_query_is_asked_on_behalf_of_somebody() -> None:
    unscoped = {name for name, function in queries().items() if not arguments(function) & SCOPED}

    assert unscoped == set(WITHOUT)
    assert len(queries()) - len(unscoped) >= 15


def test_a_scope_has_no_default() -> None:
    assert not [name for name, function in queries().items() if function.args.defaults]


def test_only_queries_say_that_an_organization_may_be_seen() -> None:
    makers = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "OrganizationId"
    }

    assert makers == {"queries/assistants.py", "queries/rows.py"}


def test_a_column_stays_inside_a_scope(store: Flask) -> None:
    one, two, three = (make_organization().id for _ in range(3))

    def found(scope: Scope) -> list[int]:
        return list(
            db.session.scalars(select(Organization.id).where(restrict_to_scope(scope, Organization.id)).order_by("id"))
        )

    assert found(EVERYTHING) == [one, two, three]
    assert found(Scope(frozenset({three, one, 999}))) == [one, three]
    assert found(NOTHING) == []


def test_a_revision_tells_store_organization_and_state_apart() -> None:
    assert format_revision(5, "store", 7) == "store/5/7"


def test_a_statement_made_ready_is_the_same_statement() -> None:
    statement: Any = select(Column("id", Integer), Column("name", String))

    assert str(compile_select(statement)) == str(statement)
    assert [column.name for column in compile_select(statement).selected_columns] == ["id", "name"]
