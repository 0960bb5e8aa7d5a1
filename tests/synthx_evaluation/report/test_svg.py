from __future__ import annotations

from synthx_evaluation.report.pages.svg import Scale, draw
from synthx_evaluation.report.record import Exhibit, Plot


def exhibit(plot: Plot, *rows: tuple[str | float | None, ...]) -> Exhibit:
    heads = ("Name", "Value", "Low", "High", "Real rows")[: len(rows[0]) if rows else 5]
    return Exhibit(id="x", section="privacy", title="Attacks", plot=plot, columns=heads, rows=rows)


def test_an_interval_stands_at_its_places_between_the_ends_of_the_data() -> None:
    drawing = draw(exhibit(Plot.INTERVALS, ("a", 0.6, 0.5, 0.7, 0.5), ("b", 0.8, 0.7, 0.9, None)))
    assert drawing is not None
    assert (drawing.low, drawing.high, drawing.anchored) == ("0.5", "0.9", True)
    assert 'cx="26.00%"' in drawing.rows[0].svg  # 2 + 96 * (0.6 - 0.5) / (0.9 - 0.5)
    assert 'class="anchor"' in drawing.rows[0].svg
    assert 'class="anchor"' not in drawing.rows[1].svg
    assert 'aria-label="a: Value 0.6, Low 0.5, High 0.7, Real rows 0.5"' in drawing.rows[0].svg


def test_chance_is_marked_only_where_it_is_asked_for() -> None:
    attacks = exhibit(Plot.INTERVALS, ("a", 0.6, 0.55, 0.7, 0.5))
    marked, bare = draw(attacks, chance=True), draw(attacks)
    assert marked is not None and bare is not None
    assert 'class="chance"' in marked.rows[0].svg
    assert 'class="chance"' not in bare.rows[0].svg


def test_a_bar_starts_at_zero_and_a_suppressed_count_has_none() -> None:
    drawing = draw(exhibit(Plot.BARS, ("a", 2.0, 1.0), ("b", "<10", None)))
    assert drawing is not None
    assert 'class="bar"' in drawing.rows[0].svg and 'x1="2.00%" x2="98.00%"' in drawing.rows[0].svg
    assert 'class="bar"' not in drawing.rows[1].svg
    assert drawing.rows[1].figure == "<10"


def test_a_name_cannot_break_out_of_a_drawing() -> None:
    drawing = draw(exhibit(Plot.BARS, ('"><script>alert(1)</script>', 2.0, 1.0)))
    assert drawing is not None
    assert "<script" not in drawing.rows[0].svg


def test_a_table_and_an_empty_exhibit_are_not_drawn() -> None:
    assert draw(exhibit(Plot.NONE, ("a", 1.0))) is None
    assert draw(exhibit(Plot.BARS)) is None


def test_equal_values_lie_in_the_middle() -> None:
    assert Scale(1.0, 1.0).at(1.0) == "50.00%"
