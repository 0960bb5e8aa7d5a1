"""Names: which there are, what they mean, and what is refused."""

from __future__ import annotations

import pytest

from synthx.adapters.sdv_models import SDV_MODELS
from synthx.benchmarking import candidates
from synthx.benchmarking.candidates import (
    Candidate,
    Family,
    Shape,
    build,
    default_names,
    fitting,
    parse,
    parse_all,
)
from synthx.errors import ParameterError, UnsupportedError
from synthx.models.registry import MODELS


def test_a_name_says_where_a_candidate_comes_from() -> None:
    assert parse("gan") == Candidate("gan", "gan", Family.OURS)
    assert parse("gan+refine") == Candidate("gan+refine", "gan", Family.OURS, refine=True)
    assert parse("sdv-tvae").family is Family.SDV
    assert parse("bootstrap").family is Family.ANCHOR


def test_only_our_models_heed_the_time_limit() -> None:
    assert [parse(name).heeds_limit for name in ("gan", "sdv-ctgan", "independent")] == [True, False, False]


def test_all_of_ours_and_the_anchors_run_where_nothing_is_named() -> None:
    tables = {name for name in MODELS if name != "sequence-vae"}
    assert set(default_names()) == {*tables, "sdv-gaussian-copula", "independent", "bootstrap"}
    assert [who.name for who in parse_all(None)] == list(default_names())
    assert set(default_names(Shape.SEQUENCES)) == {*MODELS} - tables | {"independent", "bootstrap"}


def test_the_shape_of_the_data_decides_who_may_run() -> None:
    anchors = parse_all(["independent", "bootstrap"])
    assert fitting(anchors, Shape.TABLE) == fitting(anchors, Shape.SEQUENCES) == anchors
    assert [who.name for who in fitting(None, Shape.SEQUENCES)] == list(default_names(Shape.SEQUENCES))
    assert parse("sdv-par") == Candidate("sdv-par", "sdv-par", Family.SDV)
    with pytest.raises(ParameterError, match=r"^gan learns single rows, and here an entity has several; choose from "):
        fitting(parse_all(["bootstrap", "gan"]), Shape.SEQUENCES)
    with pytest.raises(ParameterError, match=r"^sdv-par learns sequences, and here no entity has several rows; name"):
        fitting(parse_all(["sdv-par"]), Shape.TABLE)
    with pytest.raises(UnsupportedError, match="sdv-par has no setting 'refine'"):
        build(parse("sdv-par+refine"), seed=0, max_minutes=None, shape=Shape.SEQUENCES)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["gun"], "there is no model 'gun'"),
        (["gan+polish"], "'gan\\+polish' has an unknown addition"),
        (["gan+"], "unknown addition"),
        (["gan", "gan"], "named twice"),
        ([], "no model is named"),
        ("gan", "models is the text"),
    ],
)
def test_names_that_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        parse_all(names)


@pytest.mark.parametrize("name", ["independent+refine", "sdv-tvae+refine"])
def test_what_cannot_refine_says_so(name: str) -> None:
    with pytest.raises(UnsupportedError, match="has no setting 'refine'"):
        build(parse(name), seed=0, max_minutes=None)


class Plain:
    def __init__(self, *, seed: int = 0, max_minutes: float | None = None) -> None:
        self.settings = {"seed": seed, "max_minutes": max_minutes}

    def get_params(self) -> dict[str, object]:
        return self.settings


class Refining(Plain):
    def __init__(self, *, seed: int = 0, max_minutes: float | None = None, refine: bool = False) -> None:
        self.settings = {"seed": seed, "max_minutes": max_minutes, "refine": refine}


def test_refining_is_a_setting_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "model_class", lambda name: Refining)
    made = build(parse("gan+refine"), seed=3, max_minutes=1.5)
    assert made._model.settings == {"seed": 3, "max_minutes": 1.5, "refine": True}
    made = build(parse("gan"), seed=3, max_minutes=None)
    assert made._model.settings == {"seed": 3, "max_minutes": None, "refine": False}
    monkeypatch.setattr(candidates, "model_class", lambda name: Plain)
    with pytest.raises(UnsupportedError, match="gan has no setting 'refine'; run it as 'gan'"):
        build(parse("gan+refine"), seed=3, max_minutes=None)


def test_sdv_is_named_once() -> None:
    assert set(SDV_MODELS) == {"sdv-gaussian-copula", "sdv-ctgan", "sdv-copula-gan", "sdv-tvae"}
