"""Tests of the scan of files, logs and reports."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from synthx.errors import DataError
from synthx_privacy.audit import AuditReport, audit_lengths, audit_strings, contents_of, plant_numbers, plant_strings
from synthx_privacy.audit.finding import Outcome, failed, passed
from synthx_privacy.audit.scan import needles


def test_planted_values_are_distinct() -> None:
    assert len(set(plant_strings(50))) == len(set(plant_numbers(50))) == 50


@pytest.mark.parametrize(
    "hide",
    [
        lambda guid: f"row with {guid} in it",
        lambda guid: guid.upper(),
        lambda guid: guid.encode("utf-16-le"),
        lambda guid: bytes.fromhex(guid.replace("-", "")),
        lambda guid: guid.replace("-", ""),
    ],
)
def test_a_planted_string_is_found_however_it_is_written(hide: object) -> None:
    guid = plant_strings(1)[0]
    content = hide(guid)  # type: ignore[operator]
    assert audit_strings({"log": content}, [*plant_strings(3), guid]).is_failure
    assert not audit_strings({"log": content}, plant_strings(3)).is_failure


def test_what_json_escapes_is_found() -> None:
    assert audit_strings({"report": json.dumps({"name": "Zoë Müller"})}, ["Zoë Müller"]).is_failure


def test_a_planted_number_is_found_as_text_and_in_arrays() -> None:
    number = plant_numbers(1)[0]
    others = np.arange(5.0)
    assert audit_strings({"log": f"max={number!r}"}, [number]).is_failure
    assert audit_strings({"array": np.append(others, number).tobytes()}, [number]).is_failure
    assert audit_strings({"array": np.append(others, number).astype(np.float32).tobytes()}, [number]).is_failure
    assert not audit_strings({"array": others.tobytes()}, [number]).is_failure
    assert len(needles(number)) == 5


def test_archives_are_unpacked(tmp_path: Path) -> None:
    inner = gzip.compress(b"secret-name")
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("parts/log.gz", inner)
    contents = contents_of(path)
    finding = audit_strings(contents, ["secret-name"])
    assert finding.outcome is Outcome.FAILED
    assert finding.message == "model.zip/parts/log.gz unpacked holds 'secret-name' of the data"
    with pytest.raises(DataError, match="cannot be read"):
        contents_of(tmp_path / "none")


def test_arrays_as_long_as_the_data_are_found() -> None:
    assert not audit_lengths({"a": np.zeros((3, 100)), "b": {"c": [1, 2]}}, 1_009).is_failure
    assert audit_lengths({"a": np.zeros((3, 1_009))}, 1_009).message == "axis 1 of a is as long as the data, 1009"
    assert audit_lengths({"a": torch.zeros(1_009)}, 1_009).is_failure
    assert audit_lengths({"a": np.zeros((1_009, 1)).reshape(1009, 1)}, 1_009).is_failure
    assert audit_lengths({"a": {"b": [[0] * 1_009]}}, 1_009).message == "a.b[0] is as long as the data, 1009"
    with pytest.raises(DataError, match="31 rows"):
        audit_lengths({}, 31)


def test_a_report_says_what_it_can_and_cannot_tell() -> None:
    sound = AuditReport(findings=(passed("a", "fine"),), proved=1.0, delta=1e-6, bound=0.2, ceiling=4.9)
    assert not sound.has_failed
    assert sound.describe() == [
        "passed  a: fine",
        "Proved: epsilon is at most 1.000 at delta 1.0e-06.",
        "Found: epsilon is at least 0.20, with 95% confidence. The test can see epsilons from about 0.5 to 4.9; "
        "that it finds little does not show that little was given away.",
        "No fault was found in 1 checks.",
    ]
    broken = AuditReport(findings=(passed("a", "fine"), failed("b", "bad")))
    assert broken.has_failed
    assert broken.describe()[-1] == "1 of 2 checks failed: do not rely on the guarantee."
    assert json.loads(json.dumps(broken.to_dict()))["findings"][1]["outcome"] == "failed"
