"""``synthx attack``: learn shadows of a model, and ask with them which rows it learned."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthx.cli.progress import reporting
from synthx.cli.tables import LAST_SEED
from synthx.errors import DataWarning, UnsupportedError

if TYPE_CHECKING:
    import pandas as pd

    from synthx.models.tabular import TableSynthesizer
    from synthx_evaluation.membership import Learn

__all__ = ["attack"]


def attack(
    model: Annotated[Path, typer.Option(metavar="MODEL", help="A file that `synthx fit` wrote.")],
    train: Annotated[Path, typer.Option(metavar="T", help="The table that the model learned.")],
    holdout: Annotated[Path, typer.Option(metavar="H", help="Real rows that the model never saw.")],
    synthetic: Annotated[Path, typer.Option(metavar="S", help="The rows that it wrote.")],
    shadows: Annotated[
        int, typer.Option(metavar="N", help="Models to learn, an even number; each takes as long as the model did.")
    ] = 16,
    targets: Annotated[int, typer.Option(metavar="N", help="Rows to ask about: the most exposed ones.")] = 200,
    work: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep what each shadow scored here; the same command then goes on."),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write every measure to this JSON file.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=LAST_SEED, metavar="N", help="The same seed gives the same figures.")
    ] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Attack synthetic rows by shadows of their model. This is the deep test of membership, and takes long.

    Shadows have the class and the settings of MODEL. Each learns T, but of the most exposed rows of T and H one half
    only. After the first the time of the others is told; with --work, stop with Ctrl-C and go on whenever you like.
    Keep DIR as private as the tables: it holds scores, no rows, but they tell who was learned.

    \b
    Example:
      synthx attack --model people.synthx --train train.csv --holdout holdout.csv --synthetic synthetic.csv \\
        --work shadows --json attack.json
    """
    from synthx._files import JSON, check_output, replacing
    from synthx.io import read_table
    from synthx.models.registry import load
    from synthx.models.tabular import TableSynthesizer

    if json is not None:
        check_output(json, force=force, endings=JSON)
    fitted = load(model)
    if not isinstance(fitted, TableSynthesizer):
        raise UnsupportedError(
            f"the model {str(model)!r} writes sequences, and shadows learn or leave out single rows",
            remedy="use `synthx evaluate`, which attacks sequences entity by entity",
        )
    schema = fitted.schema_
    real, held, made = (read_table(path, schema=schema) for path in (train, holdout, synthetic))
    private = fitted.privacy is not None
    if private:
        typer.echo(
            "Each shadow has a ledger of its own and is thrown away: nothing is booked in the model's. What this attack"
            " reads and tells lies outside the model's guarantee.",
            err=True,
        )
    from synthx_evaluation.membership import shadow_attack

    with reporting() as report:
        card = shadow_attack(
            made,
            train=real,
            holdout=held,
            learn=_learner(fitted),
            schema=schema,
            settings=_settings(fitted),
            shadows=shadows,
            targets=targets,
            work=work,
            epsilon=fitted.ledger.epsilon() if private else None,
            delta=max(fitted.ledger.deltas.values(), default=0.0) if private else 0.0,
            seed=seed,
            progress=report,
        )
    typer.echo(card.to_text())
    if json is not None:
        with replacing(json, force=force) as draft:
            card.to_json(draft)
        typer.echo(f"Written to {json}.")


def _learner(model: TableSynthesizer) -> Learn:
    """Return what learns rows as the model was learned: same class, settings and schema, another seed and ledger."""
    settings, schema = model.get_params(), model.schema_
    if settings["privacy"] is not None:
        settings["privacy"] = dataclasses.replace(settings["privacy"], ledger=None, new_budget=True)

    def learn(rows: pd.DataFrame, seed: int) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # of every shadow, when it was said of the model
            shadow = type(model)(**{**settings, "seed": seed}).fit(rows, schema)
        if shadow.training_.stopped == "interrupted":  # a shadow that learned less is no shadow of the model
            raise KeyboardInterrupt

        def write(count: int, draw: int) -> pd.DataFrame:
            return shadow.sample(count, seed=draw)

        return write

    return learn


def _settings(model: TableSynthesizer) -> dict[str, Any]:
    """Return what distinguishes the model's shadows from others': its name and settings, but for its seed."""
    settings = {name: value for name, value in model.get_params().items() if name not in ("seed", "device")}
    if settings["privacy"] is not None:
        settings["privacy"] = settings["privacy"].to_dict()
    return {"model": model.name, **settings}
