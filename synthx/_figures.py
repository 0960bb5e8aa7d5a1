"""Figures as files, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthx._files import check_output, replacing, writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_plot_output", "save_figure"]

SUFFIXES = (".png", ".svg", ".pdf")


def check_plot_output(path: str | Path, *, force: bool = False) -> Path:
    """Return `path` if a plot can be written there.

    Raises
    ------
    OutputError
        If the suffix is unknown, the folder is missing, or the file exists and `force` is not set.
    """
    return check_output(path, force=force, endings=SUFFIXES)


def save_figure(figure: Figure, path: str | Path, *, force: bool = False) -> None:
    """Write a figure; equal figures give equal files.

    Raises
    ------
    OutputError
        As `check_plot_output`, or if the disk is full.
    """
    path = check_plot_output(path, force=force)
    with replacing(path, force=force) as draft, writing(path):
        figure.savefig(draft, format=path.suffix[1:], dpi=160, metadata=_no_date(path.suffix))


def _no_date(suffix: str) -> dict[str, None]:
    """Return metadata that keep the date out, so that equal results give equal files."""
    return {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(suffix, {})
