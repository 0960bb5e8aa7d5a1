from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from synthx.codec.structure import Affine, Duplicate, Lookup, Order, SharedMissing, Structure, Sum
from synthx.codec.structure.affine import fit_line, shortest_between
from synthx.codec.structure.orders import is_hard_limit, reduce_orders
from synthx.codec.structure.repair import align_missing, repair_orders, topological
from synthx.codec.structure.sums import null_relations
from synthx.condition import MISSING, Between, OneOf
from synthx.errors import ArtifactError, ConditionError, DataError
from synthx.schema import Column, Kind, Role, Schema

ROWS = 400
QUICK = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def schema_of(frame: pd.DataFrame, **changes: dict[str, Any]) -> Schema:
    """A plain schema by dtype: text and booleans are categorical, the rest is what it is."""
    columns = []
    for name in frame:
        dtype = str(frame[name].dtype)
        kind = Kind.CATEGORICAL
        if dtype.lower().startswith(("int", "uint")):
            kind = Kind.INTEGER
        elif dtype.lower().startswith(("float", "double")):
            kind = Kind.DECIMAL
        elif dtype.startswith("datetime"):
            kind = Kind.DATETIME
        nullable = bool(frame[name].isna().any())
        fields = {"name": name, "kind": kind, "dtype": dtype, "nullable": nullable, **changes.get(name, {})}
        columns.append(Column(**fields))
    return Schema(tuple(columns))


def discover(frame: pd.DataFrame, **changes: dict[str, Any]) -> Structure:
    structure = Structure.discover(frame, schema_of(frame, **changes))
    assert structure.holds(frame).all()
    assert_frame_equal(structure.rebuild(structure.reduce(frame)), frame)
    assert Structure.from_dict(json.loads(json.dumps(structure.to_dict()))) == structure
    return structure


def with_gaps(values: Any, seed: int = 1) -> pd.Series[Any]:
    return pd.Series(values).mask(rng(seed).random(len(values)) < 0.2)


# -- duplicates -------------------------------------------------------------------------------------------------------


def test_a_duplicate_keeps_the_first_column() -> None:
    values = rng().integers(0, 50, ROWS)
    structure = discover(pd.DataFrame({"a": values, "b": values, "c": values.astype(float)}))
    assert structure.rules == (Duplicate("b", "a"), Duplicate("c", "a"))
    assert structure.derived == {"b", "c"}
    assert structure.sources_of("c") == ("a",)
    assert structure.sources_of("a") == ("a",)


def test_a_duplicate_must_be_missing_in_the_same_rows() -> None:
    values = with_gaps(rng().normal(size=ROWS))
    assert discover(pd.DataFrame({"a": values, "b": values})).rules == (Duplicate("b", "a"),)
    assert discover(pd.DataFrame({"a": values, "b": values.fillna(0.0)})).rules == ()


def test_text_duplicates_and_numbers_spelled_as_text() -> None:
    frame = pd.DataFrame({"a": rng().choice(["x", "y", "z"], ROWS)})
    frame["b"] = frame["a"]
    assert discover(frame).rules == (Duplicate("b", "a"),)
    numbers = pd.DataFrame({"n": rng().integers(0, 90, ROWS)})
    numbers["t"] = numbers["n"].astype(str)
    assert discover(numbers, t={"kind": Kind.INTEGER}).rules == (Duplicate("t", "n"),)
    numbers["t"] = numbers["n"].map("{:03d}".format)  # a number can be read from "007", "007" cannot be written from it
    assert discover(numbers, t={"kind": Kind.INTEGER}).rules == (Duplicate("n", "t"),)


def test_columns_that_agree_by_being_nearly_constant_are_no_duplicates() -> None:
    flags = np.zeros(ROWS, dtype=int)
    flags[:5] = 1
    assert discover(pd.DataFrame({"a": flags, "b": flags})).rules == ()


# -- affine -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "shift"), [(2.0, 0.0), (1.8, 32.0), (-1.0, 100.0), (0.01, 0.0), (1000.0, 0.5)])
def test_affine_pairs_are_found_in_the_words_of_their_author(scale: float, shift: float) -> None:
    source = rng().integers(-50, 900, ROWS)
    structure = discover(pd.DataFrame({"a": source, "b": np.round(scale * source + shift, 4)}))
    assert structure.rules == (Affine("b", "a", scale, shift),)


def test_of_two_affine_columns_the_finer_one_stays() -> None:
    celsius = np.round(rng().uniform(-10, 30, ROWS), 3)
    structure = discover(pd.DataFrame({"whole": np.rint(celsius * 1.8 + 32).astype(int), "celsius": celsius}))
    assert structure.rules == (Affine("whole", "celsius", 1.8, 32.0),)


def test_affine_datetimes() -> None:
    start = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng().integers(0, 999, ROWS), unit="D"))
    frame = pd.DataFrame({"start": start, "due": start + pd.Timedelta(days=14)})
    frame["text"] = frame["due"].dt.strftime("%d.%m.%Y")
    structure = discover(frame, text={"kind": Kind.DATETIME, "format": "%d.%m.%Y"})
    assert structure.rules == (Affine("due", "start", 1.0, 14 * 86_400e6), Duplicate("text", "due"))
    assert structure.sources_of("text") == ("start",)
    column, condition = structure.invert("text", Between(None, "31.01.2021")) or ("", MISSING)
    assert (column, condition) == ("start", Between(None, pd.Timestamp("2021-01-17")))


def test_a_nearly_affine_pair_is_not_a_rule() -> None:
    source = rng().integers(0, 900, ROWS)
    target = 2 * source
    target[7] += 1
    assert discover(pd.DataFrame({"a": source, "b": target})).derived == set()


def test_fit_line_by_hand() -> None:
    x = np.array([0.0, 1.0, 2.0, 3.0])
    assert fit_line(x, 3 * x + 7, 0.0) == (3.0, 7.0)
    assert fit_line(x, np.array([0.0, 0.0, 1.0, 1.0]), 0.5) == (0.4, 0.0)  # rint(0, .4, .8, 1.2)
    assert fit_line(x, np.array([0.0, 1.0, 0.0, 1.0]), 0.0) is None
    assert shortest_between(-1.0, 2.0) == 0.0
    assert shortest_between(1.0e6 - 3, 1.0e6 + 3) == 1.0e6


# -- lookups ----------------------------------------------------------------------------------------------------------


def test_a_one_to_one_pair_keeps_the_text() -> None:
    number = rng().integers(1, 6, ROWS)
    frame = pd.DataFrame({"number": number, "word": np.array(["", "one", "two", "three", "four", "five"])[number]})
    (rule,) = discover(frame).rules
    assert isinstance(rule, Lookup)
    assert (rule.column, rule.source) == ("number", "word")
    assert dict(rule.table) == {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}


def test_a_hierarchy_hangs_on_its_finest_column() -> None:
    zips = rng().integers(0, 12, 2000)
    frame = pd.DataFrame({"state": zips // 6, "zip": zips, "city": zips // 2}).astype(str)
    structure = discover(frame)
    assert {(rule.column, rule.source) for rule in structure.rules if isinstance(rule, Lookup)} == {
        ("state", "zip"),
        ("city", "zip"),
    }


def test_missing_is_a_level_of_a_lookup() -> None:
    plan = pd.Series(rng().choice(["basic", "plus", "none"], ROWS))
    plan = plan.mask(plan == "none")
    fee = plan.map({"basic": 5.0, "plus": 9.5})
    structure = discover(pd.DataFrame({"plan": plan, "fee": fee}))
    (rule,) = (rule for rule in structure.rules if isinstance(rule, Lookup))
    assert dict(rule.table) == {"basic": 5.0, "plus": 9.5, None: None}
    assert structure.invert("fee", MISSING) == ("plan", MISSING)


def test_a_lookup_stores_no_rare_level() -> None:
    source = np.array(["common"] * 3000 + ["usual"] * 2995 + ["secret-source"] * 5)
    target = np.array(["c"] * 3000 + ["u"] * 2995 + ["secret-target"] * 5)
    structure = Structure.discover(frame := pd.DataFrame({"s": source, "t": target}), schema_of(frame))
    (rule,) = structure.rules
    assert rule == Lookup("t", "s", (("common", "c"), ("usual", "u")), "c")
    assert "secret" not in json.dumps(structure.to_dict())
    assert structure.holds(frame).all()
    assert structure.rebuild(structure.reduce(frame))["t"].value_counts().to_dict() == {"c": 3005, "u": 2995}


def test_near_keys_determine_nothing() -> None:
    frame = pd.DataFrame({"key": rng().integers(0, 300, 2000).astype(str)})
    frame["x"] = frame["key"].map(lambda key: "ab"[int(key) % 2])
    assert discover(frame).rules == ()


@pytest.mark.parametrize("role", [Role.TARGET, Role.PROTECTED, Role.TIME])
def test_columns_with_a_role_stay(role: Role) -> None:
    word = rng().choice(["low", "middle", "high"], ROWS)
    frame = pd.DataFrame({"word": word, "number": pd.Series(word).map({"low": 1, "middle": 2, "high": 3})})
    frame["copy"] = frame["word"]
    discrete = {"kind": Kind.ORDINAL, "role": role}
    structure = discover(frame, number=discrete)
    assert structure.derived == {"word", "copy"}
    assert structure.sources_of("copy") == ("number",)
    target_of_many = discover(frame.assign(number=frame["number"] // 2), number=discrete)
    assert target_of_many.derived == {"copy"}


def test_the_entity_takes_part_in_no_rule_and_static_columns_only_in_their_own() -> None:
    values = rng().integers(0, 9, ROWS)
    frame = pd.DataFrame({"a": values, "b": values})
    assert discover(frame, a={"role": Role.ENTITY}).rules == ()
    assert discover(frame, a={"static": True}).rules == ()
    assert discover(frame, a={"static": True}, b={"static": True}).derived == {"b"}


# -- sums -------------------------------------------------------------------------------------------------------------


def test_sums_with_gaps_and_rare_parts() -> None:
    generator = rng()
    frame = pd.DataFrame(
        {"net": np.round(generator.gamma(2, 50, 5000), 2), "tax": np.round(generator.gamma(2, 9, 5000), 2)}
    )
    frame["tip"] = np.where(generator.random(5000) < 0.01, 5.0, 0.0)  # a sample of rows shows few of these
    frame["gross"] = (frame["net"] + frame["tax"] + frame["tip"]).round(2)
    frame.loc[generator.random(5000) < 0.1, ["net", "gross"]] = np.nan
    structure = discover(frame)
    assert [rule for rule in structure.rules if isinstance(rule, Sum)] == [
        Sum("gross", ("net", "tax", "tip"), (1, 1, 1))
    ]
    assert structure.sources_of("gross") == ("net", "tax", "tip")
    assert structure.invert("gross", Between(1.0, 2.0)) is None


def test_a_total_with_a_role_is_kept_and_a_part_is_derived() -> None:
    frame = pd.DataFrame({"a": rng(0).integers(0, 99, ROWS), "b": rng(1).integers(0, 99, ROWS)})
    frame["total"] = frame["a"] + frame["b"]
    assert discover(frame).derived == {"total"}
    structure = discover(frame, total={"role": Role.TARGET})
    (rule,) = (rule for rule in structure.rules if isinstance(rule, Sum))
    assert (set(rule.parts) - {"total"}) | {rule.column} == {"a", "b"}
    assert dict(zip(rule.parts, rule.weights, strict=True)) == {"total": 1, rule.parts[0]: -1}


def test_sums_of_sums_do_not_lean_on_each_other() -> None:
    parts = rng().integers(0, 99, (ROWS, 4))
    frame = pd.DataFrame(parts, columns=list("abcd"))
    frame["ab"] = frame["a"] + frame["b"]
    frame["all"] = frame["ab"] + frame["c"] + frame["d"]
    structure = discover(frame)
    sums = [rule for rule in structure.rules if isinstance(rule, Sum)]
    assert len(sums) == 2
    assert not structure.derived & {part for rule in sums for part in rule.parts}


def test_null_relations_by_hand() -> None:
    matrix = np.array([[1.0, 2.0, 3.0], [4.0, 1.0, 5.0], [0.0, 7.0, 7.0], [2.0, 2.0, 4.0]])
    assert null_relations(matrix, [True, True, True]) == [(2, {0: 1.0, 1: 1.0})]
    assert null_relations(matrix, [True, True, False]) == [(1, {0: -1.0, 2: 1.0})]  # the second weighs more
    matrix[3, 2] = 5.0
    assert null_relations(matrix, [True, True, True]) == []


def test_weighted_sums() -> None:
    marks = pd.DataFrame({"exam": rng(0).integers(0, 101, ROWS), "work": rng(1).integers(0, 101, ROWS)})
    marks["mark"] = (0.6 * marks["exam"] + 0.4 * marks["work"]).round(1)
    assert Sum("mark", ("exam", "work"), (0.6, 0.4)) in discover(marks).rules


# -- orders -----------------------------------------------------------------------------------------------------------


def prices(rows: int = 2000, seed: int = 0) -> pd.DataFrame:
    generator = rng(seed)
    start = generator.uniform(50, 150, rows).round(2)
    end = (start + generator.normal(0, 3, rows)).round(2)
    frame = pd.DataFrame({"open": start, "close": end})
    frame["high"] = (frame.max(axis=1) + generator.exponential(1, rows)).round(2)
    frame["low"] = (frame[["open", "close"]].min(axis=1) - generator.exponential(1, rows)).round(2)
    return frame


CHAIN = (Order("low", "open"), Order("low", "close"), Order("open", "high"), Order("close", "high"))


def test_a_chain_of_orders_is_reduced() -> None:
    assert set(discover(prices()).rules) == set(CHAIN)


def test_columns_in_different_ranges_are_no_order() -> None:
    frame = pd.DataFrame({"temperature": rng().normal(20, 2, 5000), "humidity": rng(1).normal(45, 3, 5000)})
    assert discover(frame).rules == ()
    frame["warmer"] = frame["temperature"] + rng(2).normal(5, 1, 5000).clip(1)  # never close to a limit
    assert discover(frame).rules == ()


def test_is_hard_limit_by_hand() -> None:
    high = np.arange(100.0)
    assert is_hard_limit(np.floor(high / 2), high)
    assert not is_hard_limit(high - 200, high)  # no pairing at all would break it
    assert not is_hard_limit(high, high)  # always equal: a duplicate
    assert not is_hard_limit(high - 10, high)  # a fixed distance
    assert is_hard_limit(high - 1 - (high % 7), high, step=1.0)  # strict


def test_orders_of_datetimes() -> None:
    start = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng().integers(0, 99, 2000), unit="D"))
    end = start + pd.to_timedelta(rng(1).integers(0, 30, 2000), unit="D")
    frame = pd.DataFrame({"end": end.mask(rng(2).random(2000) < 0.1), "start": start.dt.strftime("%Y%m%d")})
    structure = discover(frame, start={"kind": Kind.DATETIME, "format": "%Y%m%d"})
    assert structure.rules == (Order("start", "end"),)
    backwards = pd.DataFrame({"end": pd.to_datetime(["2020-01-05", None, "2020-03-09"]), "start": ["20200209"] * 3})
    mended = structure.rebuild(backwards)
    assert mended["end"].dt.strftime("%m-%d").tolist()[::2] == ["02-09", "03-09"]
    assert structure.rebuild(backwards, fixed=frozenset({"end"}))["start"].tolist() == [
        "20200105", "20200209", "20200209"
    ]  # fmt: skip
    timed = structure.schema.replace("start", role=Role.TIME)
    assert Structure(structure.rules, timed).rebuild(backwards)["start"].tolist() == ["20200209"] * 3


def test_reduce_orders() -> None:
    chain = [Order("a", "b"), Order("b", "c"), Order("a", "c")]
    assert reduce_orders(chain, {"a", "b", "c"}) == chain[:2]
    assert reduce_orders(chain, {"a", "c"}) == chain  # `b` may be missing and pass nothing on
    assert reduce_orders([Order("a", "b"), Order("b", "c"), Order("c", "a")], set()) == [
        Order("a", "b"), Order("b", "c")
    ]  # fmt: skip
    assert topological(chain) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="cycle"):
        topological([Order("a", "b"), Order("b", "a")])


def test_repair_by_hand() -> None:
    schema = Schema(tuple(Column(name=name, kind=Kind.INTEGER, dtype="int64") for name in "abc"))
    orders = [Order("a", "b"), Order("b", "c")]
    frame = pd.DataFrame({"a": [5, 1], "b": [3, 2], "c": [4, 9]})
    assert repair_orders(frame, schema, orders).to_numpy().tolist() == [[5, 5, 5], [1, 2, 9]]
    pinned = repair_orders(frame, schema, orders, frozenset("c"))
    assert pinned.to_numpy().tolist() == [[4, 4, 4], [1, 2, 9]]
    pinned = repair_orders(frame, schema, orders, frozenset("b"))
    assert pinned.to_numpy().tolist() == [[3, 3, 4], [1, 2, 9]]
    contradicting = repair_orders(frame, schema, orders, frozenset("ac"))
    assert contradicting[["a", "c"]].equals(frame[["a", "c"]])


def test_repair_rounds_towards_what_holds() -> None:
    whole, fine = (
        Column(name="whole", kind=Kind.INTEGER, dtype="int64"),
        Column(name="fine", kind=Kind.DECIMAL, decimals=2),
    )
    schema = Schema((whole, fine))
    frame = pd.DataFrame({"whole": [3, 3], "fine": [3.2, 2.75]})
    assert repair_orders(frame, schema, [Order("fine", "whole")])["whole"].tolist() == [4, 3]
    lowered = repair_orders(frame, schema, [Order("whole", "fine")], frozenset({"fine"}))
    assert lowered["whole"].tolist() == [3, 2]


cells = st.one_of(st.none(), st.integers(-30, 30).map(float), st.floats(-9, 9).map(lambda value: round(value, 2)))
edges = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda pair: pair[0] < pair[1]), min_size=1)


@QUICK
@given(st.lists(st.tuples(*[cells] * 6), min_size=1, max_size=30), edges, st.permutations(range(6)), st.data())
def test_after_repair_every_order_holds(rows: Any, pairs: Any, names: Any, data: Any) -> None:
    frame = pd.DataFrame(rows, columns=list("uvwxyz"), dtype=float)
    orders = [Order("uvwxyz"[names[low]], "uvwxyz"[names[high]]) for low, high in dict.fromkeys(pairs)]
    decimals = data.draw(st.lists(st.sampled_from([None, 2, 0]), min_size=6, max_size=6))
    schema = Schema(
        tuple(
            Column(name=name, kind=Kind.DECIMAL, dtype="float64", decimals=places)
            for name, places in zip("uvwxyz", decimals, strict=True)
        )
    )
    pinned = frozenset(data.draw(st.sampled_from([(), ("u",), ("w",)])))
    structure = Structure(tuple(orders), schema)
    repaired = structure.rebuild(frame, fixed=pinned)
    assert structure.holds(repaired).all()
    assert repaired.isna().equals(frame.isna())
    for name in pinned:
        assert repaired[name].equals(frame[name])
    assert_frame_equal(structure.rebuild(repaired, fixed=pinned), repaired)  # nothing is left to mend


@QUICK
@given(st.lists(st.tuples(*[cells] * 4), min_size=1, max_size=30))
def test_after_rebuild_every_rule_holds(rows: Any) -> None:
    structure = Structure.discover(prices(500), schema_of(prices(500)))
    drawn = pd.DataFrame(rows, columns=["open", "close", "high", "low"], dtype=float)
    assert structure.holds(structure.rebuild(drawn)).all()


# -- missing together -------------------------------------------------------------------------------------------------


def test_columns_missing_together_stay_so() -> None:
    frame = pd.DataFrame(rng().normal(size=(ROWS, 3)), columns=list("abc"))
    frame.loc[rng(1).random(ROWS) < 0.3, ["a", "c"]] = np.nan
    assert discover(frame).rules == (SharedMissing(("a", "c")),)


def test_align_missing_by_hand() -> None:
    nan = np.nan
    frame = pd.DataFrame({"a": [nan, 1.0, nan, 4.0], "b": [nan, nan, 2.0, 5.0], "c": [nan, 3.0, nan, 6.0]})
    rule = SharedMissing(("a", "b", "c"))
    majority = align_missing(frame, rule)
    assert majority.isna().all(axis=1).tolist() == [True, False, True, False]
    assert majority.loc[1].tolist() == [1.0, 5.0, 3.0]  # the next whole row lends its b
    pinned = align_missing(frame, rule, frozenset("b"))
    assert pinned["b"].equals(frame["b"])
    assert pinned.loc[2].tolist() == [4.0, 2.0, 6.0]
    assert rule.holds(pinned, Schema(())).all()


@QUICK
@given(st.lists(st.tuples(*[st.booleans()] * 3), min_size=1, max_size=20))
def test_after_alignment_cells_are_missing_together(rows: Any) -> None:
    frame = pd.DataFrame(np.where(np.array(rows), np.nan, 1.0), columns=list("abc"))
    rule = SharedMissing(("a", "b", "c"))
    assert rule.holds(align_missing(frame, rule), Schema(())).all()


# -- the whole --------------------------------------------------------------------------------------------------------


def planted(seed: int, rows: int, gaps: bool) -> pd.DataFrame:
    generator = rng(seed)
    frame = pd.DataFrame(
        {
            "code": generator.choice(list("pqrstu"), rows),
            "amount": np.round(generator.gamma(2, 100, rows), 2),
            "fee": np.round(generator.gamma(1, 10, rows), 2),
            "day": pd.Timestamp("2021-03-01") + pd.to_timedelta(generator.integers(0, 500, rows), unit="D"),
            "noise": generator.normal(size=rows),
        }
    )
    if gaps:
        frame.loc[generator.random(rows) < 0.2, "amount"] = np.nan
        frame["code"] = frame["code"].mask(generator.random(rows) < 0.1)
    frame["cents"] = (frame["amount"] * 100).round().astype("Int64")
    frame["total"] = (frame["amount"] + frame["fee"]).round(2)
    frame["group"] = frame["code"].map({"p": 1, "q": 1, "r": 2, "s": 2, "t": 3, "u": 3}).astype("Int64")
    frame["again"] = frame["code"]
    frame["paid"] = frame["day"] + pd.to_timedelta(generator.integers(0, 60, rows), unit="D")
    order = generator.permutation(frame.shape[1])
    return frame.iloc[:, order]


@settings(QUICK, max_examples=10)
@given(st.integers(0, 10_000), st.integers(250, 1200), st.booleans())
def test_planted_rules_are_found_and_rows_come_back(seed: int, rows: int, gaps: bool) -> None:
    frame = planted(seed, rows, gaps)
    structure = discover(frame, group={"kind": Kind.ORDINAL})
    assert len(structure.derived) == 4
    assert Order("day", "paid") in structure.rules
    assert "noise" not in structure.derived
    assert structure.derived >= {"group"}
    assert len(structure.derived & {"code", "again"}) == 1
    assert len(structure.derived & {"cents", "amount", "fee", "total"}) == 2
    assert set(structure.sources_of("again")) <= {"code", "again"}
    rebuilt_before: set[str] = set(frame.columns) - structure.derived
    for rule in structure.rules:
        if not isinstance(rule, (Order, SharedMissing)):
            assert set(rule.sources) <= rebuilt_before  # no cycle, and no source is used before it is there
            rebuilt_before.add(rule.column)
    shuffled = structure.reduce(frame).apply(lambda column: column.sample(frac=1, random_state=seed).to_numpy())
    rebuilt = structure.rebuild(shuffled.astype(structure.reduce(frame).dtypes))
    assert structure.holds(rebuilt).all()
    assert rebuilt.columns.tolist() == frame.columns.tolist()
    assert (rebuilt.dtypes == frame.dtypes).all()


def test_the_same_frame_gives_the_same_rules() -> None:
    frame = planted(3, 3000, gaps=True)
    assert discover(frame) == discover(frame.copy())


@pytest.mark.parametrize("dtype", ["Int64", "int64[pyarrow]", "float32", "int8", "Float64"])
def test_derived_columns_keep_their_dtype(dtype: str) -> None:
    source = rng().integers(0, 60, ROWS)
    frame = pd.DataFrame({"a": source, "b": pd.Series(2 * source + 1).astype(dtype)})
    frame["a"] = frame["a"].astype("int64")
    kind = {"kind": Kind.INTEGER}
    assert discover(frame, b=kind).rules == (Affine("b", "a", 2.0, 1.0),)


def test_categories_and_strings() -> None:
    level = pd.Series(rng().choice(["a", "b", "c"], ROWS))
    frame = pd.DataFrame({"x": level.astype("string"), "y": level.str.upper().astype("category")})
    structure = Structure.discover(frame, schema_of(frame))
    assert structure.derived == {"y"}
    rebuilt = structure.rebuild(structure.reduce(frame))
    assert rebuilt["y"].dtype == "category"
    assert (rebuilt["y"].astype(str) == frame["y"].astype(str)).all()


def test_integers_beyond_float64_take_part_in_no_arithmetic() -> None:
    big = rng().integers(2**60, 2**61, ROWS)
    assert discover(pd.DataFrame({"a": big, "b": big - 1})).rules == ()


def test_small_and_empty_tables_have_no_rules() -> None:
    for rows in (0, 1, 99):
        frame = pd.DataFrame({"a": np.arange(rows), "b": np.arange(rows)})
        assert Structure.discover(frame, schema_of(frame)).rules == ()
    assert Structure().rebuild(pd.DataFrame({"a": [1]})).equals(pd.DataFrame({"a": [1]}))


def test_an_all_missing_and_a_constant_column_do_no_harm() -> None:
    frame = pd.DataFrame({"a": rng().normal(size=ROWS), "none": np.full(ROWS, np.nan), "one": np.ones(ROWS)})
    assert discover(frame).rules == ()


def test_damaged_files_are_refused() -> None:
    with pytest.raises(ArtifactError, match="rules between columns"):
        Structure.from_dict({"rules": 3, "schema": {}})
    with pytest.raises(ArtifactError, match="Guess"):
        Structure.from_dict({"rules": [{"rule": "Guess"}], "schema": Schema(()).to_dict()})


def test_cells_that_the_schema_cannot_read_are_named() -> None:
    structure = discover(pd.DataFrame({"a": np.arange(ROWS), "b": np.arange(ROWS) * 3}))
    with pytest.raises(DataError, match="'a'"):
        structure.rebuild(pd.DataFrame({"a": ["x", "y"]}))


def test_a_description_for_people() -> None:
    assert repr(discover(prices())).splitlines()[0] == "Structure of 4 rules"
    assert "gross = net + tax" in repr(Structure((Sum("gross", ("net", "tax"), (1, 1)),)))


# -- conditions -------------------------------------------------------------------------------------------------------


def line(scale: float, shift: float, source: int | None, column: int | None) -> Structure:
    schema = Schema(
        (
            Column(name="a", kind=Kind.DECIMAL, dtype="float64", decimals=source),
            Column(name="b", kind=Kind.DECIMAL, dtype="float64", decimals=column),
        )
    )
    return Structure((Affine("b", "a", scale, shift),), schema)


def test_invert_by_hand() -> None:
    fahrenheit = line(1.8, 32, 1, 2)
    assert fahrenheit.invert("b", Between(32, 212)) == ("a", Between(0.0, 100.0))
    assert fahrenheit.invert("b", Between(None, 33)) == ("a", Between(None, 0.5))
    assert fahrenheit.invert("b", OneOf((212.0, 32.0))) == ("a", OneOf((100.0, 0.0)))
    assert fahrenheit.invert("b", MISSING) == ("a", MISSING)
    assert fahrenheit.invert("a", Between(1, 2)) == ("a", Between(1, 2))
    assert line(-2, 0, 0, 0).invert("b", Between(3, 8)) == ("a", Between(-4.0, -2.0))
    assert line(0.1, 0, 0, 0).invert("b", OneOf((2,))) == ("a", Between(15.0, 25.0))  # 1.5 and 2.5 round to even
    with pytest.raises(ConditionError, match="'b'"):
        line(2, 0, 0, 0).invert("b", OneOf((3,)))
    with pytest.raises(ConditionError, match="'much'"):
        line(2, 0, 0, 0).invert("b", Between("much", None))


def test_invert_follows_chains_and_lookups() -> None:
    table = (("p", 1), ("q", 2), ("r", 3), ("s", 3), (None, None))
    schema = Schema(
        (
            Column(name="code", kind=Kind.CATEGORICAL),
            Column(name="step", kind=Kind.INTEGER, dtype="int64"),
            Column(name="cost", kind=Kind.INTEGER, dtype="int64"),
            Column(name="copy", kind=Kind.INTEGER, dtype="int64"),
        )
    )
    rules = (Lookup("step", "code", table, 1), Affine("cost", "step", 10.0, 5.0), Duplicate("copy", "cost"))
    structure = Structure(rules, schema)
    assert structure.invert("copy", OneOf((35, 15))) == ("code", OneOf(("p", "r", "s")))
    assert structure.invert("copy", Between(20, None)) == ("code", OneOf(("q", "r", "s")))
    assert structure.invert("copy", MISSING) == ("code", MISSING)
    with pytest.raises(ConditionError, match="'step'"):
        structure.invert("copy", OneOf((95,)))


@QUICK
@given(
    st.sampled_from([0.1, 0.5, 1.8, 2.54, -3.0, 100.0]),
    st.sampled_from([0.0, 32.0, -1.5]),
    st.sampled_from([None, 0, 1, 3]),
    st.sampled_from([None, 0, 2]),
    st.floats(-50, 50),
    st.floats(0, 50),
)
def test_rows_that_meet_the_inverse_meet_the_condition(
    scale: float, shift: float, source: int | None, column: int | None, low: float, width: float
) -> None:
    structure = line(scale, shift, source, column)
    try:
        inverse = structure.invert("b", Between(low, low + width))
    except ConditionError:
        return
    assert inverse is not None
    condition = inverse[1]
    ends = condition.values if isinstance(condition, OneOf) else (condition.low, condition.high)  # type: ignore[union-attr]
    values = np.linspace(min(ends), max(ends), 9)
    values = np.clip(values if source is None else np.round(values, source), min(ends), max(ends))
    rebuilt = structure.rebuild(pd.DataFrame({"a": values}))["b"]
    assert rebuilt.between(low, low + width).all()


# -- real tables and speed --------------------------------------------------------------------------------------------


def test_the_breast_cancer_table() -> None:
    from sklearn.datasets import load_breast_cancer

    frame = load_breast_cancer(as_frame=True).frame
    structure = discover(frame, target={"kind": Kind.BOOLEAN, "role": Role.TARGET})
    assert structure.derived == set()
    assert Order("mean radius", "worst radius") in structure.rules
    assert all(isinstance(rule, Order) and rule.high.startswith(("worst", "mean")) for rule in structure.rules)


def test_randhie_has_no_rules() -> None:
    import statsmodels.api as sm

    assert discover(sm.datasets.randhie.load_pandas().data).rules == ()


def test_independent_columns_have_no_rules() -> None:
    generator = rng(5)
    frame = pd.DataFrame(generator.normal(size=(1000, 40))).rename(columns="n{}".format)
    for index in range(10):
        frame[f"i{index}"] = generator.integers(0, 2 + index, 1000)
        frame[f"c{index}"] = generator.choice(list("abcdefgh")[: 2 + index % 6], 1000)
    assert discover(frame).rules == ()


def test_three_hundred_columns_take_seconds() -> None:
    generator = rng(6)
    base = generator.normal(size=(3000, 4))
    numbers = base @ generator.normal(size=(4, 200)) + 0.1 * generator.normal(size=(3000, 200))
    frame = pd.concat(
        [
            pd.DataFrame(numbers).rename(columns="n{}".format),
            pd.DataFrame(generator.integers(0, 20, (3000, 100)).astype(str)).rename(columns="c{}".format),
        ],
        axis=1,
    )
    began = time.perf_counter()
    structure = Structure.discover(frame, schema_of(frame))
    assert time.perf_counter() - began < 20
    assert structure.rules == ()
