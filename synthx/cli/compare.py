"""``synthx compare``: scorecards side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synthx.errors import ParameterError

__all__ = ["compare"]


def compare(
    cards: Annotated[
        list[Path], typer.Argument(metavar="CARD...", help="Scorecards that `synthx evaluate --json` wrote.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write all figures to this .csv file.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Show scorecards of several tables side by side. A star marks the best.

    The cards are named by their files; all must have been measured against the same real rows.

    \b
    Example:
      synthx compare gan.json ar.json sdv.json -o side_by_side.csv
    """
    from synthx._files import CSV, check_output, replacing
    from synthx_evaluation import Scorecard, compare_scorecards, compare_scorecards_text

    if output is not None:
        check_output(output, force=force, endings=CSV)
    names = [card.stem for card in cards]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise ParameterError(f"two scorecards are named {twice!r}", remedy="rename one of the files")
    read = {card.stem: Scorecard.from_json(card) for card in cards}
    typer.echo(compare_scorecards_text(read))
    if output is not None:
        frame = compare_scorecards(read)
        frame.columns = [": ".join(filter(None, column)) for column in frame.columns]
        with replacing(output, force=force) as draft:
            frame.to_csv(draft)
        typer.echo(f"Written to {output}.")
