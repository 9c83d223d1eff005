"""Files that are no list of the platform's voices are refused by their name; compressed lists are read."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voices.importing.reading.scenario import (
    ADA,
    BO,
    CSV_A,
    CSV_B,
    HEADER,
    INPUT,
    A,
    B,
    outcome,
    refusal,
    rows,
)

REMEDY = "Import the response of the platform's route /api/v1/assistants/ID/cloned-voices."


def archive() -> bytes:
    """Return a ZIP archive, as a workbook is one."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as target:
        target.writestr("xl/workbook.xml", "<workbook/>")
    return data.getvalue()


FILES = {
    "workbook": (archive(), "is a workbook or a ZIP archive. Save the sheet as “CSV UTF-8”, or extract the file."),
    "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old workbook. Save the sheet as “CSV UTF-8”."),
    "PDF": (b"%PDF-1.7\n", "is a PDF document. Import JSON or CSV."),
    "database": (b"SQLite format 3\0" + bytes(100), "is an SQLite database."),
    "page": (b"\n<!doctype html>\n<title>Sign in</title>", "is a web page or XML. Check the address and the sign-in"),
    "headers": (f"HTTP/2 200 \r\ncontent-type: application/json\r\n\r\n[{A}]".encode(), "begins with HTTP headers."),
    "error": (b'{"error": "rate limited"}', f"has no list “cloned_voices”. {REMEDY}"),
    "other key": (f'{{"data": [{A}]}}'.encode(), "has its list under “data” instead of “cloned_voices”. Rename it,"),
    "empty list": (b'{"data": []}', f"has no list “cloned_voices”. {REMEDY}"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_list_is_refused_by_its_name(name: str) -> None:
    data, problem = FILES[name]

    assert refusal(data).startswith(INPUT + problem)


PROVIDERS: dict[str, Any] = {
    "ElevenLabs": {"voices": [{"voice_id": "21m00Tcm", "name": "Rachel", "category": "cloned"}], "has_more": False},
    "Resemble": {"success": True, "page": 1, "items": [{"uuid": "55592656", "name": "Ada", "voice_type": "rapid"}]},
    "Inworld": {"voices": [{"voiceId": "Ashley", "displayName": "Ashley", "langCode": "EN_US"}]},
    "Cartesia": {"data": [{"id": "a0e99841", "is_owner": True, "name": "Ada", "language": "en"}], "has_more": True},
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_list_of_a_provider_is_refused_by_its_name(provider: str, alone: bool, indent: int | None) -> None:
    response = PROVIDERS[provider]
    data = next(value for value in response.values() if isinstance(value, list)) if alone else response

    assert refusal(json.dumps(data, indent=indent)) == (
        f"{INPUT}is a list of voices of {provider}, not of the platform. {REMEDY}"
    )


@pytest.mark.parametrize("data", [f"[{A}, {B}]", f"{A}\n{B}", f"{HEADER}\n{CSV_A}\n{CSV_B}"])
def test_a_gzip_file_is_read(data: str) -> None:
    assert rows(gzip.compress(data.encode())) == [ADA, BO]
    assert refusal(gzip.compress(data.encode())[:-9]) == (
        f"{INPUT}is an incomplete or damaged gzip file. Get the complete file again."
    )


def test_a_list_with_other_lists_beside_it_is_read() -> None:
    assert rows(f'{{"tags": ["x"], "assistants": [{{"id": 1}}], "cloned_voices": [{A}, {B}], "ids": []}}') == [ADA, BO]


MUTABLE = {
    "csv": f"{HEADER}\r\n{CSV_A}\r\n{CSV_B}\r\n".encode(),
    "semicolons": f"sep=;\r\n{HEADER}\r\n{CSV_A}\r\n".replace(",", ";").encode(),
    "utf-16": f"{HEADER}\n{CSV_A}\n{CSV_B}\n".encode("utf-16"),
    "gzip": gzip.compress(f"[{A}, {B}]".encode()),
    **{name: data for name, (data, _) in FILES.items()},
    **{name: json.dumps(response).encode() for name, response in PROVIDERS.items()},
}


@pytest.mark.parametrize("name", MUTABLE)
def test_300_mutations_of_a_file_give_records_faults_or_a_refusal(name: str) -> None:
    original, chance = MUTABLE[name], random.Random(name)  # the same mutations in every run
    for _ in range(300):
        data = bytearray(original)
        for _ in range(chance.randint(1, 8)):
            position = chance.randrange(len(data) + 1)
            match chance.randrange(3):
                case 0:
                    data[position:position] = bytes([chance.randrange(256)])
                case 1:
                    del data[position : position + chance.randrange(1, 9)]
                case _:
                    data[position : position + 1] = chance.choice([b"\0", b'"', b",", b";", b"\r", b"\xff", b"{", b"["])
        outcome(io.BytesIO(bytes(data)))


@given(st.binary(max_size=300))
def test_any_bytes_after_the_signature_of_gzip_give_records_faults_or_a_refusal(data: bytes) -> None:
    outcome(io.BytesIO(b"\x1f\x8b\x08\0" + data))
