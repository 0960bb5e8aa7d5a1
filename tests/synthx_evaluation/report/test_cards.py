from __future__ import annotations

import re

import pytest

from synthx_evaluation.report.assemble import assemble
from synthx_evaluation.report.brief import Brief
from synthx_evaluation.report.pages.cards import data_sheet, model_card
from synthx_evaluation.report.pages.croissant import croissant
from synthx_evaluation.report.record import Report
from synthx_evaluation.scorecard import Scorecard


@pytest.fixture
def report(card: Scorecard, brief: Brief) -> Report:
    return assemble(card, brief=brief)


def test_a_model_card_has_the_headings_of_mitchell(report: Report) -> None:
    assert re.findall("^## (.+)", model_card(report), flags=re.M) == [
        "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
        "Quantitative analyses", "Ethical considerations", "Caveats and recommendations",
    ]  # fmt: skip


def test_a_data_sheet_has_the_headings_of_gebru(report: Report) -> None:
    assert re.findall("^## (.+)", data_sheet(report), flags=re.M) == [
        "Motivation", "Composition", "Collection process", "Preprocessing, cleaning and labelling", "Uses",
        "Distribution", "Maintenance", "Evaluation",
    ]  # fmt: skip


def test_a_column_cannot_break_a_card(report: Report) -> None:
    hostile = report.source.columns[0].model_copy(update={"name": "<b>|\n# x"})
    source = report.source.model_copy(update={"columns": (hostile,)})
    card = data_sheet(report.model_copy(update={"source": source}))
    assert r"\<b\>\|" in card
    assert "\n# x" not in card


def test_croissant_names_each_column_and_no_value(report: Report) -> None:
    found = croissant(report, file="rows.parquet", sha256="a" * 64)
    fields = found["recordSet"][0]["field"]
    assert found["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert [(field["name"], field["dataType"]) for field in fields[:3]] == [
        ("age", "sc:Integer"), ("town", "sc:Text"), ("ill", "sc:Boolean"),
    ]  # fmt: skip
    assert found["distribution"][0]["sha256"] == "a" * 64
    assert "sha256" not in croissant(report)["distribution"][0]
