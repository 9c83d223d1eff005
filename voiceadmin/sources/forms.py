"""The form of a new source."""

from __future__ import annotations

import re

from werkzeug.datastructures import MultiDict
from wtforms import Form, PasswordField, StringField, ValidationError

from voiceadmin.organizations.types import OrganizationChoices
from voiceadmin.sources.connecting import CLIENT_KINDS
from voiceadmin.sources.keys import MAX_KEY, VARIABLE_PREFIX, is_variable_name
from voiceadmin.sources.types import NewSource, SourceKind
from voiceadmin.text import MAX_ID, quote_value
from voiceadmin.web.fields import (
    QUOTED,
    MaxLength,
    NoControlCharacters,
    choice_field,
    name_field,
    normalize_text,
    text_field,
    text_or_empty,
)
from voiceadmin.web.organization_field import organization_filter_field

MAX_ASSISTANTS = 100  # that a source can name

KINDS = {kind.value: kind.label for kind in CLIENT_KINDS}


class SourceForm(Form):
    """A new source."""

    kind = choice_field("Kind", KINDS, noun="a kind of source", default=SourceKind.BURKI.value)
    name = name_field("Name", max_length=100)
    organization = organization_filter_field()
    address = text_field("Base address", required=False, max_length=300)
    key = PasswordField("Key", [MaxLength(MAX_KEY), NoControlCharacters()], filters=[normalize_text])
    key_variable = text_field("Variable with the key", required=False, max_length=120)
    assistants = text_field("Assistants", required=False, max_length=2000)

    def __init__(
        self, data: MultiDict[str, str] | None, organizations: OrganizationChoices, *, offer_platform: bool
    ) -> None:
        """Create the form.

        Args:
            data: what the browser sent, None for an empty form.
            organizations: to choose from.
            offer_platform: whether the source may belong to the platform, have another address, and name a variable.
        """
        super().__init__(data)
        self.offers_platform = offer_platform
        self.organization.offer(organizations)
        if self.organization.choices:
            rest = {value: label for value, label in self.organization.choices.items() if value}
            self.organization.choices = {"": "The platform"} | rest if offer_platform else rest
            self.organization.flags.hidden = len(self.organization.choices) < 2
            if self.organization.flags.hidden and not self.organization.data:
                self.organization.data = next(iter(self.organization.choices), "")

    @property
    def source_kind(self) -> SourceKind:
        """The selected kind. Call after validate()."""
        return SourceKind(self.kind.data)

    def validate_kind(self, field: StringField) -> None:
        """Require what another voiceadmin does not tell."""
        needed = (self.address.data, self.organization.data, self.assistants.data)
        if field.data == SourceKind.VOICEADMIN.value and not all(needed):
            raise ValidationError(
                "Another voiceadmin needs its base address, the organization here, and the IDs of its assistants."
            )

    def validate_key(self, field: PasswordField) -> None:
        """Require either a key or the name of a variable."""
        if bool(field.data) == bool(self.key_variable.data):
            either = "either a key, or the name of a variable that contains it"
            raise ValidationError(f"Enter {either if self.offers_platform else 'a key'}.")

    def validate_key_variable(self, field: StringField) -> None:
        """Refuse other variables than those for keys."""
        if field.data and not is_variable_name(field.data):
            example = f"{VARIABLE_PREFIX}ELEVENLABS"
            raise ValidationError(
                f"{quote_value(field.data, QUOTED)} must begin with {VARIABLE_PREFIX}, and have only capital letters,"
                f" digits and underscores, as in {example}."
            )

    def validate_assistants(self, field: StringField) -> None:
        """Refuse what is not a list of ids."""
        words = _split(text_or_empty(field.data))
        if field.data and self.kind.data in KINDS and not self.source_kind.is_platform:
            raise ValidationError("A provider has no assistants. Leave this empty.")
        wrong = [word for word in words if not word.isascii() or not word.isdecimal() or not 0 < int(word) <= MAX_ID]
        if wrong:
            raise ValidationError(f"{quote_value(wrong[0], QUOTED)} is not the ID of an assistant, such as 31.")
        if len(words) > MAX_ASSISTANTS:
            raise ValidationError(f"These are {len(words):,} assistants. Enter at most {MAX_ASSISTANTS}.")

    def build_source(self) -> NewSource:
        """Return the source. Call after validate()."""
        return NewSource(
            organization_id=self.organization.organization_id,
            kind=self.source_kind,
            name=self.name.data,
            address=self.address.data.rstrip("/") or CLIENT_KINDS[self.source_kind].address,
            key_variable=self.key_variable.data,
            key=text_or_empty(self.key.data),
            assistant_ids=tuple(map(int, _split(text_or_empty(self.assistants.data)))),
        )


def _split(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", text) if word]
