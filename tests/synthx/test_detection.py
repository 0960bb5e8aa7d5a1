from __future__ import annotations

import datetime
import decimal
import time as clock
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from faker import Faker
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.detection import detect
from synthx.detection.dates import parse_dates
from synthx.detection.keys import key_format
from synthx.detection.words import names_date, names_key, names_label, words
from synthx.errors import DataError, SchemaError
from synthx.schema import Column, Kind, Role, Schema

ROWS = 200


def one(values: Any, name: str = "x", **options: Any) -> Column:
    """Detect a table of one column."""
    return detect(pd.DataFrame({name: values}), **options)[name]


def dates(rows: int = ROWS, seed: int = 0) -> pd.Series[Any]:
    days = np.random.default_rng(seed).integers(0, 900, rows)
    return pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(days, unit="D"))


def repeat(values: list[Any], rows: int = ROWS) -> list[Any]:
    return (values * rows)[:rows]


def fakes(provider: str, rows: int = ROWS) -> list[Any]:
    faker = Faker()
    faker.seed_instance(1)
    return [getattr(faker, provider)() for _ in range(rows)]


# -- numbers ----------------------------------------------------------------------------------------------------


def test_reason_is_in_plain_words() -> None:
    assert one(repeat([1, 2, 3, 4, 5, 6, 7])).reason == "numeric with 7 distinct values: categorical"


@pytest.mark.parametrize(
    ("values", "kind", "dtype"),
    [
        (repeat([0, 1]), Kind.BOOLEAN, "int64"),
        (repeat([0.0, 1.0, None]), Kind.BOOLEAN, "float64"),
        (repeat([1, 2]), Kind.CATEGORICAL, "int64"),
        (repeat([1.0, 2.0, 5.0]), Kind.CATEGORICAL, "float64"),
        (repeat([0.2, 0.4]), Kind.DECIMAL, "float64"),
        (repeat(list(range(50))), Kind.INTEGER, "int64"),
        (repeat([*map(float, range(50)), None]), Kind.INTEGER, "float64"),
        (pd.array(repeat([*range(50), None]), dtype="Int64"), Kind.INTEGER, "Int64"),
        (pd.array(repeat([1.5, 2.25, None]), dtype="Float64"), Kind.DECIMAL, "Float64"),
        (pd.array(repeat([*range(50), None]), dtype="int64[pyarrow]"), Kind.INTEGER, "int64[pyarrow]"),
        (pd.Series(repeat([*range(50), None]), dtype=object), Kind.INTEGER, "Int64"),
        ([decimal.Decimal(i) / 4 for i in range(ROWS)], Kind.DECIMAL, "float64"),
        (
            pd.Series(
                [decimal.Decimal("1.5")] * 3 + [decimal.Decimal("2.25")], dtype=pd.ArrowDtype(pa.decimal128(9, 2))
            ),
            Kind.DECIMAL,
            "double[pyarrow]",
        ),
    ],
)
def test_numbers(values: Any, kind: Kind, dtype: str) -> None:
    column = one(values)
    assert (column.kind, column.dtype) == (kind, dtype)
    assert column.nullable == bool(pd.Series(values).isna().any())
    pd.Series(values).dropna().astype(dtype)  # the cells fit the dtype that the schema names


def test_flags_declare_their_labels_as_stored() -> None:
    assert repr(one(repeat([1, 0])).levels) == "(0, 1)"
    assert repr(one(repeat([1.0, 0.0])).levels) == "(0.0, 1.0)"
    assert one(repeat(["Y", "N"])).levels == ("N", "Y")
    assert one(repeat(["no", "Yes", None])).levels == ("no", "Yes")
    assert one(repeat(["True", "False"])).levels == ("False", "True")
    assert one(repeat([True, False, None])).levels == (False, True)
    assert one(pd.array(repeat([True, None, False]), dtype="bool[pyarrow]")).levels == (False, True)
    assert one(pd.Categorical(repeat(["yes", "no"]))).levels == ("no", "yes")


def test_few_distinct_integers_are_levels_only_in_many_rows() -> None:
    assert one(list(range(15)) * 20).kind is Kind.CATEGORICAL  # 15 levels, 300 rows
    assert one([*range(15)] * 3 + [1] * 5).kind is Kind.INTEGER  # 15 levels, 50 rows
    assert one(list(range(21)) * 100).kind is Kind.INTEGER


def test_decimals_that_look_like_levels_stay_decimals() -> None:
    assert one(repeat([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])).kind is Kind.DECIMAL


def test_infinite_values_name_column_and_count() -> None:
    with pytest.raises(DataError, match=r"column 'x' holds 2 infinite values; replace them") as caught:
        one([1.0, np.inf, -np.inf])
    assert "np.nan" in caught.value.remedy
    with pytest.raises(DataError, match="1 infinite value;"):
        one(pd.Series([1.5, float("inf")], dtype=object))


# -- numbers as text --------------------------------------------------------------------------------------------


def test_numbers_in_text_keep_dtype_and_decimals() -> None:
    prices = one([f"{i}.50" for i in range(ROWS)])
    assert (prices.kind, prices.dtype, prices.decimals) == (Kind.DECIMAL, "object", 2)
    counts = one(pd.array([str(i * 7 % 190) for i in range(ROWS)], dtype="string"))
    assert (counts.kind, counts.dtype, counts.decimals) == (Kind.INTEGER, "string", None)
    whole = one([f"{i % 150}.0" for i in range(ROWS)])
    assert (whole.kind, whole.decimals) == (Kind.DECIMAL, 1)


def test_leading_zeros_are_labels() -> None:
    column = one([f"{1000 + 37 * i:05d}" for i in range(ROWS)])
    assert column.kind is Kind.CATEGORICAL
    assert "leading zeros" in column.reason


@pytest.mark.parametrize("name", ["zip", "ZipCode", "postal_code", "icd_code"])
def test_names_of_labels_keep_numbers_labels(name: str) -> None:
    assert one(list(range(10000, 10000 + 30 * 150, 30)) * 2, name).kind is Kind.CATEGORICAL


def test_what_keeps_text_from_being_a_number_is_said() -> None:
    marked = one([str(i % 90) for i in range(ROWS)] + ["?"])
    assert marked.kind is Kind.CATEGORICAL
    assert "numbers except for '?': read that as missing" in marked.reason
    money = one([f"${1000 + i:,}.50" for i in range(ROWS)])
    assert money.kind is Kind.CATEGORICAL
    assert "strip these" in money.reason


def test_mixed_cells_are_read_as_text() -> None:
    column = one(repeat([1, "a", 2.5, "b"]), assume_public=True)
    assert (column.kind, column.dtype) == (Kind.CATEGORICAL, "object")
    assert column.levels == ("1", "2.5", "a", "b")
    assert "mixed" in column.reason


# -- dates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%m/%d/%y",
        "%d-%b-%Y",
        "%d %B %Y",
        "%b %d, %Y",
        "%b-%Y",
        "%Y-%m",
        "%Y%m%d",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M:%S+02:00",
        "%d/%m/%Y %I:%M %p",
        "%Y-%m-%d %H:%M:%S.%f",
    ],
)
def test_written_dates(form: str) -> None:
    moments = dates() + pd.to_timedelta(np.arange(ROWS) * 7 + 1, unit="min") + pd.Timedelta("1us")
    column = one(moments.dt.strftime(form))
    assert (column.kind, column.format, column.dtype) == (Kind.DATETIME, form, "object")


@settings(max_examples=30)
@given(
    st.lists(st.dates(datetime.date(1990, 1, 13), datetime.date(2050, 1, 1)), min_size=5, max_size=30, unique=True),
    st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%d.%m.%Y"]),
)
def test_a_detected_format_writes_the_same_text(days: list[datetime.date], form: str) -> None:
    texts = [day.strftime(form) for day in days]
    column = one(texts)
    assert column.kind is Kind.DATETIME
    assert column.format is not None
    assert parse_dates(np.array(texts, dtype=object), column.format).dt.strftime(column.format).tolist() == texts


def test_day_and_month_are_told_apart_by_the_values() -> None:
    assert one(["25/12/2020", "01/02/2021", "03/04/2021"]).format == "%d/%m/%Y"
    assert one(["12/25/2020", "01/02/2021", "03/04/2021"]).format == "%m/%d/%Y"
    in_order = one(["05/11/2020", "06/11/2020", "01/12/2020", "02/12/2020"])
    assert in_order.format == "%d/%m/%Y"
    assert "order of rows" in in_order.reason
    first_of_month = one(["01/03/2020", "01/01/2020", "01/07/2020", "01/05/2020"])
    assert first_of_month.format == "%d/%m/%Y"
    assert "correct the format" in one(["05/06/2020", "07/03/2020", "02/09/2020"]).reason


def test_whole_numbers_as_dates() -> None:
    numbers = dates().dt.strftime("%Y%m%d").astype(int)
    assert (one(numbers).kind, one(numbers).format, one(numbers).dtype) == (Kind.DATETIME, "%Y%m%d", "int64")
    with_gaps = numbers.astype(float).where(numbers.index != 3)
    assert (one(with_gaps).kind, one(with_gaps).dtype) == (Kind.DATETIME, "float64")
    short = dates().dt.strftime("%y%m%d").astype(int)
    assert one(short, "date").format == "%y%m%d"


def test_amounts_that_resemble_dates_stay_numbers() -> None:
    amounts = np.random.default_rng(0).integers(19_000_000, 21_000_000, ROWS)
    assert one(amounts).kind is Kind.INTEGER
    assert one(np.random.default_rng(0).integers(100_000, 999_999, ROWS)).kind is Kind.INTEGER
    assert one([20200101, 20200102, 7, 8] * 100).kind is Kind.CATEGORICAL


def test_two_digit_years_that_tell_no_century_stay_numbers() -> None:
    assert one([int(f"{year:02d}0115") for year in range(45, 95)], "date").kind is Kind.INTEGER


@pytest.mark.parametrize(
    ("values", "dtype", "form"),
    [
        (pd.date_range("2020-01-01", periods=9), "datetime64[ns]", None),
        (pd.date_range("2020-01-01", periods=9, tz="Europe/Berlin"), "datetime64[ns, Europe/Berlin]", None),
        ([datetime.date(2020, 1, 1), datetime.date(2020, 2, 1), None], "object", None),
        ([datetime.time(8), datetime.time(9, 30)], "object", "%H:%M:%S"),
        ([datetime.datetime(2020, 1, 1), datetime.datetime(2020, 2, 1), None], "datetime64[ns]", None),
        (
            pd.Series([datetime.date(2020, 1, 1), datetime.date(2020, 2, 1)]).astype("date32[day][pyarrow]"),
            "date32[day][pyarrow]",
            None,
        ),
        (
            pd.Series(pd.date_range("2020-01-01", periods=9, tz="UTC")).astype("timestamp[us, tz=UTC][pyarrow]"),
            "timestamp[us, tz=UTC][pyarrow]",
            None,
        ),
        (["08:15", "23:59"], "object", "%H:%M"),
    ],
)
def test_stored_dates_and_times(values: Any, dtype: str, form: str | None) -> None:
    column = one(values)
    assert (column.kind, column.dtype, column.format) == (Kind.DATETIME, dtype, form)


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        (pd.to_timedelta([1, 2], unit="s"), "total_seconds"),
        ([datetime.timedelta(1), datetime.timedelta(2)], "total_seconds"),
        (pd.period_range("2020", periods=2, freq="M"), "to_timestamp"),
        (pd.cut(pd.Series([1.0, 2.0, 3.0]), 2), "astype"),
        ([[1], [2]], "columns of their own"),
        ([{"a": 1}, {"b": 2}], "columns of their own"),
        ([b"a", b"b"], "decode"),
        ([1 + 2j, 3 + 4j], "imaginary"),
    ],
)
def test_cells_that_no_kind_describes(values: Any, remedy: str) -> None:
    with pytest.raises(DataError, match="column 'x' holds") as caught:
        one(values)
    assert remedy in caught.value.remedy


# -- keys -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ([f"AC-{7 * i:06d}" for i in range(ROWS)], "AC-######"),
        ([f"INV-2024-{i:04d}" for i in range(ROWS)], "INV-2024-####"),
        ([f"C{i}" for i in range(1, ROWS)], "C###"),
        ([f"{'ABCDEFG'[i % 7]}{i:03d}" for i in range(ROWS)], "?###"),
        ([str(uuid.UUID(int=i << 60)) for i in range(ROWS)], "uuid4"),
        ([f"{i * 7919 + (10 << 120):032x}" for i in range(ROWS)], "~" * 32),
        (list(range(5, 5 + ROWS)), "sequence"),
        (list(np.random.default_rng(0).permutation(ROWS)), "sequence"),
    ],
)
def test_keys_by_their_values(values: list[Any], form: str) -> None:
    column = one(values)
    assert (column.kind, column.format) == (Kind.IDENTIFIER, form)


def test_keys_by_their_name() -> None:
    numbers = np.random.default_rng(0).permutation(10**6)[:ROWS]
    assert one(numbers).kind is Kind.INTEGER
    assert one(numbers, "encounter_id").kind is Kind.IDENTIFIER
    assert one(list(numbers) * 2, "patient_nbr").kind is Kind.IDENTIFIER
    assert one(list(range(70)) * 20, "district_id").kind is Kind.CATEGORICAL


def cards(rows: int = 3_000, things: int = 862) -> list[str]:
    """Codes of one pattern that three or four rows share, none of them common."""
    return [f"C{i % things:04d}" for i in range(rows)]


def test_codes_that_few_rows_share_name_things_and_are_made_afresh() -> None:
    column = one(cards())
    assert (column.kind, column.format) == (Kind.IDENTIFIER, "C####")
    assert column.reason == (
        "text of one pattern, 862 values in 3,000 rows, 100% of rows hold one that fewer than 10 share: named things,"
        " made afresh: identifier"
    )
    assert one(pd.Categorical(cards())).kind is Kind.IDENTIFIER
    assert one([f"{i % 862:09d}" for i in range(3_000)]).format == "#########"
    entity = detect(pd.DataFrame({"card": cards(), "x": range(3_000)}), entity="card")["card"]
    assert (entity.kind, entity.role) == (Kind.IDENTIFIER, Role.ENTITY)
    assert one([*cards()[1:], None], target="x", name="x").kind is Kind.CATEGORICAL


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", [f"C{i % 250:04d}" for i in range(3_000)]),  # twelve rows share each
        ("x", ["J0001"] * 400 + [f"J{i % 700:04d}" for i in range(2_600)]),  # one is common: a code of procedures
        ("icd", cards()),
        ("x", [f"{i % 1_500:05d}" for i in range(3_000)]),  # postal codes
        ("diag_1", [*["428", "V57", "250.8"] * 100, *[f"{i % 350 + 100}.{i % 10}" for i in range(700)]]),
        ("x", [f"C{i % 60:04d}" for i in range(200)]),  # few
        ("town", [f"{'ABCDEFGHIJ'[i % 10]}ville {'xyz'[i % 3] * (i % 40)}" for i in range(600)]),
    ],
)
def test_codes_that_describe_rows_are_learned(name: str, values: list[str]) -> None:
    assert one(values, name).kind is Kind.CATEGORICAL


def test_numbers_under_the_name_of_a_thing_are_keys() -> None:
    some = np.random.default_rng(0).permutation(np.arange(1_001, 1_443))[:350]
    assert one(some, "patient").reason == "named after what has numbers, every value occurs once: identifier"
    assert one([i % 862 * 17 for i in range(3_000)], "customer").kind is Kind.IDENTIFIER
    assert one([i % 250 * 17 for i in range(3_000)], "customer").kind is Kind.INTEGER
    assert one(some, "patients").kind is Kind.INTEGER


def test_numbers_that_occur_once_may_be_keys_and_the_reason_says_so() -> None:
    some = np.random.default_rng(0).permutation(np.arange(1_001, 1_443))[:350]
    once = (
        "whole numbers, 350 distinct, every value occurs once; if they name rows, declare them an identifier: integer"
    )
    assert one(some, "population").reason == once
    assert one(some, "income").reason == "whole numbers, 350 distinct: integer"
    assert one([*some, some[0]], "population").reason == "whole numbers, 350 distinct: integer"


def test_unique_quantities_are_no_keys() -> None:
    rng = np.random.default_rng(0)
    small = pd.DataFrame(
        {
            "amount": rng.normal(100, 10, 50),
            "whole": rng.permutation(5000)[:50],
            "age": rng.permutation(np.arange(20, 70)),
            "year": np.arange(1970, 2020),
            "floats": np.arange(50.0),
            "weight": [f"{i}.{i % 10}kg" for i in range(10, 60)],
        }
    )
    kinds = {column.name: column.kind for column in detect(small)}
    assert Kind.IDENTIFIER not in kinds.values(), kinds


def test_key_format_confirms_on_every_key() -> None:
    keys = np.array([f"AC-{i:06d}" for i in range(30_000)] + ["AC-00000x"], dtype=object)
    assert key_format(keys) == "sequence"
    assert key_format(np.array(["A#1", "A#2"], dtype=object)) == "sequence"  # `#` cannot be a literal


def test_words_of_names() -> None:
    assert words("RecordID") == ("record", "id")
    assert names_key("account_to")
    assert names_key("InvoiceNo")
    assert not names_key("number_of_children")
    assert names_label("ZIP")
    assert names_date("date_of_birth")
    assert not names_key("")


# -- personal data and text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "form"),
    [
        ("name", "name"),
        ("email", "email"),
        ("phone_number", "phone_number"),
        ("iban", "iban"),
        ("ssn", "ssn"),
        ("credit_card_number", "credit_card_number"),
        ("ipv4", "ipv4"),
        ("ipv6", "ipv6"),
        ("mac_address", "mac_address"),
        ("street_address", "street_address"),
    ],
)
def test_personal_data_by_the_cells_alone(provider: str, form: str) -> None:
    column = one(fakes(provider))
    assert (column.kind, column.format) == (Kind.PERSONAL, form)


@pytest.mark.parametrize(
    ("name", "values", "form"),
    [
        ("first_name", fakes("first_name"), "first_name"),
        ("Surname", fakes("last_name"), "last_name"),
        ("mobile", list(range(6_000_000_000, 6_000_000_000 + ROWS * 7919, 7919)), "phone_number"),
        ("home_address", fakes("address"), "street_address"),
        ("userName", fakes("user_name"), "user_name"),
        ("birth_number", [701231 + 137 * i for i in range(ROWS)], "ssn"),
    ],
)
def test_personal_data_by_name(name: str, values: list[Any], form: str) -> None:
    column = one(values, name)
    assert (column.kind, column.format) == (Kind.PERSONAL, form)


@pytest.mark.parametrize("provider", ["city", "company", "job", "country", "catch_phrase", "color_name"])
def test_high_cardinality_is_not_personal(provider: str) -> None:
    assert one(fakes(provider)).kind is Kind.CATEGORICAL


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("email", repeat([0, 1, 2])),
        ("Email", repeat(["yes", "no"])),
        ("PhoneService", repeat(["No phone service", "Yes", "No"])),
        ("Street", repeat(["Pave", "Grvl"])),
        ("phone", repeat(["iPhone", "Android", "other"])),
        ("version", repeat(["1.2.3", "1.2.4", "2.0.0"])),
    ],
)
def test_a_personal_name_is_not_believed_against_the_cells(name: str, values: list[Any]) -> None:
    assert not one(values, name).kind.is_modelled or one(values, name).kind.is_discrete
    assert one(values, name).kind is not Kind.PERSONAL


def test_whole_numbers_are_cards_only_by_their_check_digit() -> None:
    random = np.random.default_rng(0).integers(4 * 10**15, 5 * 10**15, ROWS)
    assert one(random).kind is Kind.INTEGER
    faker = Faker()
    faker.seed_instance(0)
    cards = [int(faker.credit_card_number("visa16")) for _ in range(ROWS)]
    assert one(cards).format == "credit_card_number"


def test_a_single_mail_address_is_not_published_as_a_constant() -> None:
    column = one(["jane@example.org"] * 5)
    assert (column.kind, column.levels) == (Kind.PERSONAL, None)


def test_free_text_is_long_and_of_many_words() -> None:
    assert one([f"the patient number {i} came in with a mild fever" for i in range(50)]).kind is Kind.TEXT
    assert one([f"item {i} of a list" for i in range(50)]).kind is Kind.CATEGORICAL
    assert one(repeat([f"a long sentence of many words that repeats {i}" for i in range(5)])).kind is Kind.CATEGORICAL


def test_reasons_quote_no_cell() -> None:
    secret = one([f"Xq-{i:04d}-secret" for i in range(ROWS)])
    assert "secret" not in secret.reason


# -- categories, constants, sizes -----------------------------------------------------------------------------------


def test_pandas_categories() -> None:
    ordered = one(pd.Categorical(repeat(["lo", "hi"]), ["lo", "mid", "hi"], ordered=True))
    assert (ordered.kind, ordered.levels, ordered.dtype) == (Kind.ORDINAL, ("lo", "mid", "hi"), "category")
    assert one(pd.Categorical(repeat([3, 1, 2]))).kind is Kind.CATEGORICAL
    assert one(pd.Categorical(fakes("email"))).kind is Kind.PERSONAL
    dictionary = pd.Series(repeat(["a", "b"]), dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())))
    assert (one(dictionary).kind, one(dictionary).dtype) == (Kind.CATEGORICAL, "category")


def test_constants() -> None:
    assert (one(["a"] * 9).kind, one(["a"] * 9).levels) == (Kind.CONSTANT, ("a",))
    assert one([5] * 9).levels == (5,)
    assert one([True] * 9).levels == (True,)
    assert one(pd.to_datetime(["2020-01-02"] * 3)).levels == ("2020-01-02T00:00:00",)
    for missing in ([None] * 3, [np.nan] * 3, pd.array([None] * 3, dtype="Int64"), pd.to_datetime([None] * 3)):
        column = one(missing)
        assert (column.kind, column.levels, column.nullable) == (Kind.CONSTANT, None, True)


def test_one_value_or_missing_is_learned() -> None:
    assert (one(["a", None, "a"]).kind, one(["a", None, "a"]).nullable) == (Kind.CATEGORICAL, True)


def test_tiny_tables() -> None:
    assert one([1]).kind is Kind.CONSTANT
    two = detect(pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [0.5, 1.5], "d": [None, None]}))
    assert [column.kind for column in two] == [Kind.CATEGORICAL, Kind.CATEGORICAL, Kind.DECIMAL, Kind.CONSTANT]


@settings(max_examples=30)
@given(
    st.lists(
        st.one_of(st.none(), st.text(max_size=12), st.integers(), st.booleans(), st.floats(allow_infinity=False)),
        min_size=1,
        max_size=40,
    )
)
def test_any_scalars_are_described(cells: list[Any]) -> None:
    schema = detect(pd.DataFrame({"x": pd.Series(cells, dtype=object)}), assume_public=True)
    assert Schema.from_dict(schema.to_dict()) == schema


# -- the table --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame(), "the table has no columns"),
        (pd.DataFrame({"a": []}), "the table has no rows"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "column 'a' more than once"),
        (pd.DataFrame([[1, 2]], columns=["a", 3]), "column name 3 is int, not text"),
    ],
)
def test_tables_that_cannot_be_described(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        detect(frame)


def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "person_id": repeat([f"P{i:03d}" for i in range(40)]),
            "visit": repeat(list(range(5))),
            "sex": repeat(["f", "m"]),
            "amount": np.linspace(0.5, 99.5, ROWS),
            "grade": repeat([3, 1, 2]),
            "dead": repeat([0, 1, 0]),
        }
    )


def test_roles() -> None:
    schema = detect(people(), target="dead", protected=["sex"], entity="person_id", time="visit")
    assert schema.target is not None
    assert schema.target.name == "dead"
    assert schema["sex"].role is Role.PROTECTED
    assert (schema["person_id"].kind, schema["person_id"].format) == (Kind.IDENTIFIER, "P###")
    assert (schema["visit"].kind, schema["visit"].role) == (Kind.INTEGER, Role.TIME)


def test_a_discrete_target_declares_its_labels() -> None:
    assert detect(people(), target="grade")["grade"].levels == (1, 2, 3)
    assert detect(people())["grade"].levels is None
    assert detect(people(), target="amount")["amount"].levels is None


def test_unknown_roles_list_close_names() -> None:
    with pytest.raises(SchemaError, match=r"target column 'deat' is not in the table; .*'dead'"):
        detect(people(), target="deat")
    with pytest.raises(SchemaError, match="protected column 'gender'"):
        detect(people(), protected=["gender"])
    with pytest.raises(SchemaError, match="column 'sex' is given two roles, target and protected"):
        detect(people(), target="sex", protected=["sex"])
    with pytest.raises(SchemaError, match="two roles, entity and time"):
        detect(people(), entity="visit", time="visit")


def test_a_target_needs_two_classes() -> None:
    with pytest.raises(DataError, match="target column 'y' has one class only, 1; give rows"):
        one([1, 1, 1], "y", target="y")
    with pytest.raises(DataError, match="one class only"):
        one(["a", None], "y", target="y")
    with pytest.raises(DataError, match="no class"):
        one([None, None], "y", target="y")


def test_a_column_with_a_role_is_learned_even_if_it_looks_like_a_key() -> None:
    column = one(list(range(ROWS)), "score_id", target="score_id")
    assert column.kind is Kind.INTEGER
    assert "learned since it is the target" in column.reason
    assert one(fakes("name"), "name", protected="name").kind is Kind.CATEGORICAL


def test_time_columns_count_or_are_dates() -> None:
    assert one([1, 2, 3], "t", time="t").kind is Kind.INTEGER
    assert one([0.5, 1.0, 1.5], "t", time="t").kind is Kind.DECIMAL
    assert one(["2020-01-01", "2020-01-01"], "t", time="t").format == "%Y-%m-%d"
    assert one(pd.to_datetime(["2020-01-01"] * 2), "t", time="t").kind is Kind.DATETIME
    with pytest.raises(DataError, match="time column 't' holds neither dates"):
        one(["soon", "later"], "t", time="t")


# -- long tables ------------------------------------------------------------------------------------------------


def stays() -> pd.DataFrame:
    """Return a long table: 40 patients, five hours each; sex, ward and country do not change."""
    patient = np.repeat(np.arange(40), 5)
    return pd.DataFrame(
        {
            "patient": patient,
            "site": patient // 20,
            "hour": np.tile(np.arange(5), 40),
            "sex": np.where(patient % 2 == 0, "f", "m"),
            "weight": np.where(patient % 7 == 0, np.nan, 50.0 + patient / 3),
            "country": "nl",
            "pulse": np.arange(ROWS) % 53 + 60,
            "died": patient % 5 == 0,
        }
    )


def test_static_columns_are_found() -> None:
    schema = detect(stays(), entity="patient", time="hour", target="died")
    assert schema.static == ("site", "sex", "weight", "died")  # what is constant everywhere is no one's own
    assert schema["country"].kind is Kind.CONSTANT
    assert (schema.entity, schema["patient"].role) == (("patient",), Role.ENTITY)
    assert schema.time is schema["hour"]
    assert (schema["died"].role, schema["died"].static) == (Role.TARGET, True)


def test_static_columns_may_be_named() -> None:
    assert detect(stays(), entity="patient", static=["sex"]).static == ("sex",)
    assert detect(stays(), entity="patient", static="sex").static == ("sex",)
    assert detect(stays(), entity="patient", static=()).static == ()


def test_a_key_of_two_columns() -> None:
    frame = stays().assign(patient=stays()["patient"] % 20)
    schema = detect(frame, entity=["site", "patient"], time="hour")
    assert schema.entity == ("patient", "site")
    assert schema["site"].kind is schema["patient"].kind is Kind.IDENTIFIER
    assert schema.static == ("sex", "weight", "died")
    assert detect(frame, entity="patient").static == ("sex", "died")  # two patients, one on either site
    assert detect(stays(), entity=["patient", "patient"]).entity == ("patient",)


def test_hardly_any_repeats_tell_nothing_of_what_is_static() -> None:
    frame = stays().drop_duplicates("patient")
    assert detect(pd.concat([frame, frame.iloc[:9]]), entity="patient").static == ()


def test_a_static_column_that_varies_is_refused_with_entity_and_values() -> None:
    frame = stays()
    frame.loc[7, "sex"] = "f"
    with pytest.raises(DataError, match="static column 'sex' varies within the entity patient=1: 'm', 'f'"):
        detect(frame, entity="patient", static=["sex"])
    assert "sex" not in detect(frame, entity="patient").static


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"static": ["sex"]}, "static columns are named, but no entity; name the entity's key"),
        ({"entity": "patient", "static": ["sez"]}, "the static column 'sez' is not in the table; .* 'sex'"),
        ({"entity": "patient", "static": ["patient"]}, "'patient' is the entity and cannot be static"),
        ({"entity": ["patient", "bed"]}, "the entity column 'bed' is not in the table"),
        ({"entity": "patient", "time": "patient"}, "'patient' is given two roles, entity and time"),
    ],
)
def test_roles_of_long_tables_that_contradict(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(SchemaError, match=problem):
        detect(stays(), **options)


def test_naming_no_static_column_needs_no_entity() -> None:
    assert detect(stays(), static=()).static == ()


def test_a_missing_key_is_refused() -> None:
    frame = stays().astype({"patient": float})
    frame.loc[4, "patient"] = None
    with pytest.raises(DataError, match="the entity's key 'patient' is missing in row 5"):
        detect(frame, entity="patient")


def test_nothing_is_declared_unless_public() -> None:
    frame = people().assign(day=dates().dt.strftime("%d/%m/%Y"), zone=pd.date_range("2020", periods=ROWS, tz="UTC"))
    schema = detect(frame)
    for name in ("sex", "amount", "grade", "visit", "day", "zone"):
        column = schema[name]
        assert (column.levels, column.lower, column.upper, column.decimals) == (None, None, None, None), name


def test_assume_public_declares_levels_bounds_and_decimals() -> None:
    frame = pd.DataFrame(
        {
            "sex": repeat(["m", "f"]),
            "money": repeat([12.5, 0.25, 3.0]),
            "count": list(range(100, 200)) * 2,
            "text": [f"{i}.5" for i in range(ROWS)],
            "day": repeat(["25/12/2020", "01/02/2021"]),
            "stamp": pd.date_range("2020-01-01", periods=ROWS, tz="UTC"),
            "person_id": [f"P{i:03d}" for i in range(ROWS)],
        }
    )
    schema = detect(frame, assume_public=True)
    assert schema["sex"].levels == ("f", "m")
    assert (schema["money"].lower, schema["money"].upper, schema["money"].decimals) == (0.25, 12.5, 2)
    assert (schema["count"].lower, schema["count"].upper, schema["count"].decimals) == (100.0, 199.0, None)
    assert (schema["text"].lower, schema["text"].upper, schema["text"].decimals) == (0.5, 199.5, 1)
    assert (schema["day"].lower, schema["day"].upper) == ("2020-12-25T00:00:00", "2021-02-01T00:00:00")
    assert schema["stamp"].lower == "2020-01-01T00:00:00+00:00"
    assert schema["person_id"].levels is None


def test_order_of_columns_and_json() -> None:
    schema = detect(people(), target="dead", assume_public=True)
    assert schema.names == tuple(people().columns)
    assert Schema.from_dict(schema.to_dict()) == schema
    assert Schema.detect(people(), target="dead", assume_public=True) == schema


def test_a_large_table_is_read_fast() -> None:
    rng = np.random.default_rng(0)
    rows = 200_000
    frame = pd.DataFrame({f"f{i}": rng.normal(size=rows) for i in range(6)})
    frame["key"] = [f"AC-{i:07d}" for i in range(rows)]
    frame["text"] = np.array(["a", "bb", "ccc"], dtype=object)[rng.integers(0, 3, rows)]
    frame["day"] = dates().dt.strftime("%Y-%m-%d").to_numpy()[rng.integers(0, ROWS, rows)]
    start = clock.process_time()
    detect(frame)
    assert clock.process_time() - start < 5  # takes about 0.5 s when nothing else runs


# -- real data --------------------------------------------------------------------------------------------------


def test_randhie() -> None:
    from statsmodels.datasets import randhie

    schema = detect(randhie.load_pandas().data, target="mdvis")
    assert schema["mdvis"].kind is Kind.INTEGER
    assert schema["idp"].kind is Kind.BOOLEAN
    assert {schema[name].kind for name in ("lncoins", "lpi", "fmde", "disea")} == {Kind.DECIMAL}


def test_breast_cancer() -> None:
    from sklearn.datasets import load_breast_cancer

    schema = detect(load_breast_cancer(as_frame=True).frame, target="target")
    assert schema["target"].levels == (0, 1)
    assert all(column.kind is Kind.DECIMAL for column in schema if column.role is None)


@pytest.mark.parametrize(
    ("file", "kinds"),
    [
        ("adult/test.csv.gz", {"age": "integer", "education": "categorical", "education_num": "categorical"}),
        ("berka/trans_first53k.csv.gz", {"date": "datetime", "account_id": "identifier", "amount": "decimal"}),
        ("berka/client.csv.gz", {"birth_number": "personal", "district_id": "categorical"}),
        ("creditcard_fraud/creditcard_subset.csv.gz", {"V1": "decimal", "V28": "decimal", "Class": "boolean"}),
        (
            "diabetes130/diabetic_data.csv.gz",
            {"encounter_id": "identifier", "patient_nbr": "identifier", "diag_1": "categorical"},
        ),
        ("online_shoppers/shoppers.csv.gz", {"Revenue": "boolean", "SpecialDay": "decimal", "Month": "categorical"}),
    ],
)
def test_shared_data(shared_data: Path, file: str, kinds: dict[str, str]) -> None:
    schema = detect(pd.read_csv(shared_data / file, low_memory=False, nrows=20_000))
    assert {name: str(schema[name].kind) for name in kinds} == kinds


def test_a_target_of_names_declares_none_of_them() -> None:
    frame = pd.DataFrame({"doctor": [f"Erika Mustermann {'abcdefghij'[i % 10]}{i // 10}" for i in range(300)]})
    assert Schema.detect(frame, target="doctor")["doctor"].levels is None
    few = pd.DataFrame({"doctor": ["a", "b", "c"] * 100})
    assert Schema.detect(few, target="doctor")["doctor"].levels == ("a", "b", "c")
