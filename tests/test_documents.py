"""Checks of README, CHANGELOG and docs/: complete, consistent with the code, and without dead links."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from pkgutil import resolve_name

import click
import pytest
from werkzeug.datastructures import MultiDict

from voiceadmin import create_app
from voiceadmin.__main__ import cli
from voiceadmin.audit.types import AuditEventType
from voiceadmin.config import Settings, setting_names
from voiceadmin.database.base import Base
from voiceadmin.openapi.document import build_document
from voiceadmin.triage.rules import RULES
from voiceadmin.voices.forms import VoiceFilterForm
from voiceadmin.voices.types.filters import VoiceChoices
from voiceadmin.voices.types.rows import VoiceRow

ROOT = Path(__file__).resolve().parent.parent
DOCS = {
    *("api.md", "architecture.md", "benchmarks.md", "contributing.md", "decisions.md", "glossary.md"),
    *("history.md", "importing.md", "operations.md", "scaling.md", "sources.md", "triage-and-clean-up.md", "voices.md"),
}
DOCUMENTS = ["README.md", "CHANGELOG.md", *sorted(f"docs/{name}" for name in DOCS)]
README_LINES = 160
EXAMPLE_PATHS = "/languages/|/no_language|NNNN|FEATURE"  # placeholders, and files that the how-tos create
UNLISTED_MODULES = {"__init__", "__main__", "__pycache__"}
TEST_SETTINGS = {"VOICEADMIN_CHROMIUM"}  # read by the tests, not by the program
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FORMER_WORDS = r"\b(deeds?|hush(es|ed)?|purses?|whoever|whatever|somebody's|nobody's)\b"  # replaced by the glossary


@cache
def read(name: str) -> str:
    """Return the text of a document, by its path from the root."""
    return (ROOT / name).read_text("utf-8")


@cache
def prose(name: str) -> str:
    """Return the text of a document without its code blocks."""
    return FENCE.sub("", read(name))


def table_rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of every table row in a text, header rows included and separator rows left out."""
    for line in text.splitlines():
        if line.startswith("|") and not re.fullmatch(r"[|\-: ]+", line):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def section(name: str, heading: str) -> str:
    """Return the part of a document below a heading, up to the next heading of the same or a higher level."""
    text = prose(name)
    start = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert start is not None, f"{name} has no heading “{heading}”"
    rest = text[start.end() :]
    end = re.search(rf"^#{{1,{len(start[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def anchors(name: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(name), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(group: click.Group = cli, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its full name, groups left out."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def options(command: click.Command) -> set[str]:
    """Return every spelling of a command's options."""
    return {opt for option in command.params for opt in (*option.opts, *option.secondary_opts) if opt.startswith("-")}


def development_commands() -> set[str]:
    """Return the commands that `dev` has beside those of the program, from its own help."""
    return set(re.findall(r"^\./dev ([a-z]+)", read("dev"), re.MULTILINE)) - {name for name, _ in commands()}


def example_commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every `./dev` call in a shell block: the document, and the arguments after `./dev`."""
    for name in DOCUMENTS:
        for language, block in FENCE.findall(read(name)):
            if language == "sh":
                for call in re.findall(r"\./dev (.*)", block):
                    yield name, shlex.split(re.split(r"\s[|>&]", call)[0], comments=True)


# The set of documents


def test_docs_contains_the_agreed_files() -> None:
    assert {path.name for path in (ROOT / "docs").iterdir()} == DOCS


def test_the_readme_is_short_and_links_to_every_document() -> None:
    assert len(read("README.md").splitlines()) <= README_LINES
    for name in DOCS:
        assert f"(docs/{name}" in section("README.md", "Documentation"), name


def test_the_changelog_mentions_the_current_version() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]

    assert re.search(rf"^## (Unreleased|{re.escape(version)})", read("CHANGELOG.md"), re.MULTILINE)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", prose(name)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(str(file.resolve().relative_to(ROOT))), target


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_of_the_repository_exists(name: str) -> None:
    for path in re.findall(r"`((?:voiceadmin|tests|templates|static)/[\w/.-]+)`", prose(name)):
        assert (ROOT / path).exists() or re.search(EXAMPLE_PATHS, path), path


def test_every_test_that_the_how_tos_name_exists() -> None:
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))

    for name in re.findall(r"`(test_\w+)`", prose("docs/contributing.md")):
        assert f"def {name}(" in tests, name


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_picture_exists(name: str) -> None:
    for picture in re.findall(r'(?:!\[[^]]*\]\(|src(?:set)?=")([^)"]+)', read(name)):
        assert ((ROOT / name).parent / picture).is_file(), picture


@pytest.mark.parametrize("name", DOCUMENTS)
def test_headings_are_unique_and_tables_have_equal_rows(name: str) -> None:
    headings = re.findall(r"^## (.+)$", prose(name), re.MULTILINE)
    tables = re.findall(r"(?:^\|.*\n)+", prose(name), re.MULTILINE)

    assert len(headings) == len(set(headings))
    for table in tables:
        assert len({len(cells) for cells in table_rows(table)}) == 1, table.splitlines()[0]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_document_uses_a_word_that_the_glossary_replaced(name: str) -> None:
    assert not re.search(FORMER_WORDS, prose(name), re.IGNORECASE)


# Settings, commands, dependencies


def test_every_setting_is_documented_and_no_other() -> None:
    documented = {name for name in DOCUMENTS for name in re.findall(r"VOICEADMIN_[A-Z_]+[A-Z]", read(name))}
    in_table = [cells[0].strip("`") for cells in table_rows(section("docs/operations.md", "Settings"))][1:]

    assert sorted(in_table) == sorted(setting_names())
    assert documented - TEST_SETTINGS == set(setting_names())


def test_the_documented_defaults_are_those_of_the_code() -> None:
    default = Settings()
    defaults = {cells[0].strip("`"): cells[2] for cells in table_rows(section("docs/operations.md", "Settings"))}

    for field in fields(Settings):
        value = getattr(default, field.name)
        if type(value) in (int, float):
            assert defaults[f"VOICEADMIN_{field.name.upper()}"].strip("`") == f"{value:g}", field.name


def test_the_message_about_an_unknown_setting_names_the_document() -> None:
    assert "docs/operations.md" in (ROOT / "voiceadmin" / "config.py").read_text("utf-8")


def test_the_readme_lists_every_command() -> None:
    listed = " ".join(cells[0] for cells in table_rows(section("README.md", "Commands")))

    for name in [*(name for name, _ in commands()), *development_commands()]:
        assert re.search(rf"\./dev {name}\b", listed), name


def test_every_option_of_every_command_is_documented() -> None:
    text = "".join(map(read, DOCUMENTS))

    for name, command in commands():
        for option in options(command):
            assert re.search(rf"{option}\b", text), (name, option)


def test_every_example_is_a_valid_command() -> None:
    known = dict(commands())

    for document_name, words in example_commands():
        if words[0] in development_commands():
            continue
        command = known.get(" ".join(words[:2])) or known.get(words[0])
        assert command is not None, (document_name, words)
        assert {word for word in words if word.startswith("--")} <= options(command) | {"--help"}, (
            document_name,
            words,
        )


def test_every_dependency_is_listed_with_its_licence() -> None:
    pinned = re.findall(r"^([a-z0-9-]+)==", read("run.lock"), re.MULTILINE)
    rows = table_rows(section("docs/operations.md", "Dependencies and licences"))
    listed = [name for _, packages in rows for name in re.sub(r"\(.*?\)", "", packages).split(", ")]

    assert sorted(name.strip() for name in listed if name != "Packages") == sorted(set(pinned))


# Subjects


def test_every_route_and_parameter_of_the_api_is_documented() -> None:
    text = read("docs/api.md")

    for path, methods in build_document()["paths"].items():
        assert f"GET {path}" in text
        for parameter in methods["get"]["parameters"]:
            assert f"`{parameter['name']}`" in text or parameter["in"] == "path", parameter["name"]
        for status in methods["get"]["responses"]:
            assert status in text, status


def test_every_rule_is_documented_with_its_rank_label_and_severity() -> None:
    rows = {tuple(cells[:4]) for cells in table_rows(section("docs/triage-and-clean-up.md", "Rules"))}
    conditions = [cells[0] for cells in table_rows(section("docs/triage-and-clean-up.md", "Conditions"))][1:]

    for rule in RULES:
        assert (str(rule.rank), rule.label, f"`{rule.slug}`", rule.severity.value) in rows, rule.slug
    assert conditions == [f"`{rule.slug}`" for rule in RULES]


def test_every_export_is_documented_with_its_url_and_role() -> None:
    app = create_app(Settings())
    urls = app.url_map.bind("localhost")
    documented = {}
    for _, url, role in list(table_rows(section("docs/voices.md", "Exports from pages")))[1:]:
        endpoint, _ = urls.match(url.strip("`").partition("?")[0])
        documented[endpoint] = role

    assert documented == {
        rule.endpoint: getattr(app.view_functions[rule.endpoint], "access_requirement").role.slug  # noqa: B009  # for mypy
        for rule in app.url_map.iter_rules()
        if rule.rule.endswith(".<format>")
    }


def test_every_field_of_an_import_is_documented() -> None:
    documented = " ".join(cells[0] for cells in table_rows(section("docs/importing.md", "Fields")))

    assert set(re.findall(r"`(\w+)`", documented)) == set(VoiceRow._fields)


def test_every_decision_has_its_parts_and_is_in_the_index() -> None:
    text = prose("docs/decisions.md")
    entries = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    index = [cells for cells in table_rows(text) if cells[0].isdigit()]

    assert len(entries) == len(index)
    for number, (entry, cells) in enumerate(zip(entries, index, strict=True), 1):
        title = entry.splitlines()[0]
        parts = re.findall(r"^- \*\*(\w+):\*\*", entry, re.MULTILINE)
        assert [part for part in parts if part != "Measured"] == ["Context", "Options", "Choice", "Date"], title
        assert title == f"{number}. {cells[1].partition(']')[0].lstrip('[')}"
        assert entry.rstrip().endswith(cells[2]), title


def test_the_glossary_is_a_sorted_table_of_terms_with_meanings() -> None:
    header, *rows = table_rows(read("docs/glossary.md"))
    terms = [cells[0] for cells in rows]

    assert header == ["Term", "Meaning", "In code"]
    assert terms == sorted(set(terms), key=str.casefold)
    for term, meaning, _ in rows:
        assert re.match(r"[A-Z0-9].*\.$", meaning), term


def test_every_code_reference_of_the_glossary_exists() -> None:
    for term, _, reference in table_rows(read("docs/glossary.md")):
        if reference.startswith("`"):
            assert resolve_name(reference.strip("`")) is not None, term


def test_the_architecture_shows_every_package_and_table() -> None:
    layout, data_model = (section("docs/architecture.md", heading) for heading in ("Layout", "Data model"))
    modules = {path.stem for path in (ROOT / "voiceadmin").iterdir() if path.stem.isidentifier()} - UNLISTED_MODULES

    assert {name for name in modules if not re.search(rf"`{name}/?`", layout)} == set()
    assert {name for name in Base.metadata.tables if f"`{name}`" not in data_model} == set()


def test_every_filter_of_the_voice_list_is_documented() -> None:
    documented = [cells[1].strip("`") for cells in table_rows(section("docs/voices.md", "Filters"))][1:]

    assert sorted(documented) == sorted(field.name for field in VoiceFilterForm(MultiDict(), VoiceChoices((), ())))


def test_the_table_of_the_audit_log_lists_every_event_type_once() -> None:
    section = prose("docs/operations.md").split("## Audit log")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]

    assert sorted(re.findall(r"`([a-z-]+)`", "".join(rows))) == sorted(AuditEventType)
