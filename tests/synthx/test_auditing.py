"""Audits of the models themselves, by record and replay on small tables: exact, so none of them can fail by chance."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import synthx
from synthx.auditing import neighbours_of, published_by, strangers_of, with_row, with_unit_last
from synthx.codec.private.measuring import measure_table
from synthx.models.causal import Autoregressor
from synthx.models.latents.autoencoder import Autoencoder, Encoder
from synthx.models.networks import Completer
from synthx.models.private.adversary import RowDiscriminator
from synthx.models.private.autoencoding import RowReconstruction, learns
from synthx.models.private.autoregression import Autoregression
from synthx.schema import Column, Kind, Role, Schema
from synthx_privacy.audit import audit_clipping, audit_neighbours, audit_strangers
from synthx_privacy.dpsgd import PrivateDescent

ROWS = 401
SIZES = (3, 5, 2)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    from synthx_privacy.tree import TreeModel

    usual = TreeModel.fit
    monkeypatch.setattr(TreeModel, "fit", lambda measurements: usual(measurements, iterations=5))


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], ROWS),
            "age": rng.integers(18, 90, ROWS),
            "pay": rng.lognormal(3, 1, ROWS).round(2).clip(0, 200),
            "seen": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, ROWS), unit="D"),
            "grade": rng.choice([1, 2, 3], ROWS),
        }
    )


@pytest.fixture
def schema() -> Schema:
    return Schema(
        (
            Column(name="sex", kind=Kind.CATEGORICAL, levels=("f", "m"), role=Role.TARGET),
            Column(name="age", kind=Kind.INTEGER, dtype="int64", lower=18, upper=90),
            Column(name="pay", kind=Kind.DECIMAL, dtype="float64", lower=0, upper=200, decimals=2, nullable=True),
            Column(name="seen", kind=Kind.DATETIME, dtype="datetime64[ns]", lower="2020-01-01", upper="2021-12-31"),
            Column(name="grade", kind=Kind.CATEGORICAL, dtype="int64", levels=(1, 2, 3)),
        )
    )


def make() -> Any:
    return synthx.TabularMST(privacy=synthx.Privacy(epsilon=20, new_budget=True))


def faults(findings: list[Any]) -> list[str]:
    return [finding.message for finding in findings if finding.is_failure]


# -- a table model -----------------------------------------------------------------------------------------------------


def test_a_private_fit_of_a_table_passes(frame: pd.DataFrame, schema: Schema) -> None:
    fit = published_by(make, schema)
    tried = {name: table for name, table in neighbours_of(frame, schema).items() if name != "a row of lists"}
    strangers = strangers_of(frame, schema)
    assert faults([*audit_neighbours(fit, frame, tried), *audit_strangers(fit, frame, strangers)]) == []


def test_cells_of_no_use_tell_nothing(frame: pd.DataFrame, schema: Schema) -> None:
    tried = {"a row of lists": neighbours_of(frame, schema)["a row of lists"]}
    assert faults(audit_neighbours(published_by(make, schema), frame, tried)) == []


@pytest.mark.parametrize(
    "cell",
    [
        1.0,
        "1",
        True,
        Decimal("1.0"),
    ],
)
def test_how_a_cell_is_stored_does_not_change_how_others_are_read(
    frame: pd.DataFrame, schema: Schema, cell: object
) -> None:
    row = {**frame.iloc[0].to_dict(), "grade": cell}
    tried = {f"a grade of {cell!r}": with_row(frame, row, first=True)}
    assert faults(audit_neighbours(published_by(make, schema), frame, tried)) == []


def test_an_entity_is_one_unit_however_many_rows_it_has(frame: pd.DataFrame, schema: Schema) -> None:
    key = Column(name="who", kind=Kind.IDENTIFIER, dtype="int64", role=Role.ENTITY)
    schema = Schema((key, *schema.columns))
    frame = with_unit_last(frame.assign(who=np.arange(ROWS) * 2 // 3), schema)
    many = pd.concat([frame, frame.iloc[:60].assign(who=9_999, sex="?")], ignore_index=True)
    usual = neighbours_of(frame, schema)
    tried = {"sixty rows of one": many, **{name: usual[name] for name in ("a unit less", "an ordinary row more")}}

    def entities() -> Any:
        return synthx.TabularMST(privacy=synthx.Privacy(epsilon=20, unit="who", new_budget=True))

    assert faults(audit_neighbours(published_by(entities, schema), frame, tried)) == []


def test_levels_read_off_the_table_are_found(
    frame: pd.DataFrame, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = measure_table

    def peeking(account: Any, frame: pd.DataFrame, schema: Schema, **more: Any) -> Any:
        return usual(account, frame, schema.replace("sex", levels=tuple(sorted(frame["sex"].unique()))), **more)

    monkeypatch.setattr("synthx.models.private.fit.measure_table", peeking)
    tried = {name: neighbours_of(frame, schema)[name] for name in ("an ordinary row more", "a row of text")}
    found = faults(audit_neighbours(published_by(make, schema), frame, tried))
    assert len(found) == 1
    assert found[0].startswith("with a row of text, ")


def test_bounds_read_off_the_table_are_found(
    frame: pd.DataFrame, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = measure_table

    def peeking(account: Any, frame: pd.DataFrame, schema: Schema, **more: Any) -> Any:
        return usual(account, frame, schema.replace("pay", upper=float(frame["pay"].max())), **more)

    monkeypatch.setattr("synthx.models.private.fit.measure_table", peeking)
    tried = {name: neighbours_of(frame, schema)[name] for name in ("an ordinary row more", "a row beyond all bounds")}
    found = faults(audit_neighbours(published_by(make, schema), frame, tried))
    assert len(found) == 1
    assert found[0].startswith("with a row beyond all bounds, ")


# -- the networks: their real losses, row by row -----------------------------------------------------------------------


def digits(rows: int = 9) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.stack([torch.randint(size, (rows,), generator=generator) for size in SIZES], dim=1)


def autoregression() -> tuple[torch.nn.Module, Callable[[torch.Tensor], torch.Tensor]]:
    network = Autoregression(Autoregressor(SIZES, width=8, hidden=4), torch.tensor([2, 0, 1]))
    return network, lambda units: network(digits()[units])


def discriminator() -> tuple[torch.nn.Module, Callable[[torch.Tensor], torch.Tensor]]:
    network = RowDiscriminator(SIZES, width=8)
    shown = torch.tensor([[True, True, False]])
    return network, lambda units: torch.nn.functional.softplus(-network(digits()[units], shown))


def autoencoder() -> tuple[torch.nn.Module, Callable[[torch.Tensor], torch.Tensor]]:
    encoder, decoder = (
        Encoder(SIZES, latent=2, width=8, blocks=1),
        Completer(SIZES, width=8, blocks=1, noise=2),
    )
    network = Autoencoder(encoder, decoder)
    learns(network)
    reconstruction = RowReconstruction(network, [[0], [1, 2]])
    tosses = reconstruction.toss(9)

    def losses(units: torch.Tensor) -> torch.Tensor:
        return reconstruction.losses(digits()[units], type(tosses)(*(part[units] for part in tosses)))

    return network, losses


@pytest.mark.parametrize("made", [autoregression, discriminator, autoencoder])
@pytest.mark.parametrize("clip", [0.05, 5.0])
def test_the_models_gradients_are_clipped_row_by_row(made: Callable[[], Any], clip: float) -> None:
    torch.manual_seed(0)
    network, losses = made()
    descent = PrivateDescent(
        network.train(),
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1.0),
        noise_multiplier=1.0,
        clip=clip,
        divisor=1.0,
        physical_batch=4,
    )
    assert faults(audit_clipping(descent, losses, 9, clip=clip)) == []
