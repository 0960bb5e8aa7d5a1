from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pandas as pd
import pytest

from synthx.errors import ParameterError
from synthx.schema import Schema
from synthx_evaluation import plot_sequences

Draw = Callable[..., pd.DataFrame]


def test_a_figure(draw: Draw, schema: Schema) -> None:
    figure = plot_sequences(draw(60, 1), draw(60, 2), schema)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "pulse", "autocorrelation", "pressure", "autocorrelation", "sequences by their features",
    ]  # fmt: skip
    assert len(figure.axes[0].lines) == 12
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "real (60 sequences)", "synthetic (60 sequences)",
    ]  # fmt: skip
    figure.savefig(written := BytesIO(), format="png", dpi=40)
    assert written.getvalue()[:4] == b"\x89PNG"
    curve = np.asarray(figure.axes[1].lines[0].get_ydata(), dtype=float)
    assert 0.5 < curve[0] < 1


def test_columns_and_tsne(draw: Draw, schema: Schema) -> None:
    figure = plot_sequences(draw(20, 1), draw(20, 2), schema, columns=["pressure"], embedding="tsne")
    assert len(figure.axes) == 3
    with pytest.raises(ParameterError, match="column 'ward' is not a number that changes"):
        plot_sequences(draw(5, 1), draw(5, 2), schema, columns=["ward"])
    with pytest.raises(ParameterError, match="embedding is 'umap'"):
        plot_sequences(draw(5, 1), draw(5, 2), schema, embedding="umap")


def test_sequences_without_numbers(draw: Draw, schema: Schema) -> None:
    kept = ["stay", "ward"]
    figure = plot_sequences(draw(9, 1)[kept], draw(9, 2)[kept], schema.select(kept))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["sequences by their features"]
