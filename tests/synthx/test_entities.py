from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthx.entities import Entities
from synthx.errors import DataError


def visits() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "patient": ["b", "a", "b", "a", "c"],
            "ward": [1, 1, 1, 2, 1],
            "sex": ["f", "m", "f", "m", None],
            "day": [2, 9, 1, 3, 5],
        }
    )


class TestOf:
    def test_entities_stand_in_the_order_in_which_they_first_occur(self) -> None:
        entities = Entities.of(visits(), ["patient"])
        assert entities.keys["patient"].tolist() == ["b", "a", "c"]
        assert entities.of_row.tolist() == [0, 1, 0, 1, 2]
        assert entities.sizes.tolist() == [2, 2, 1]
        assert entities.firsts.tolist() == [0, 1, 4]
        assert len(entities) == 3

    def test_a_key_of_two_columns_tells_entities_apart_by_both(self) -> None:
        entities = Entities.of(visits(), ["patient", "ward"])
        assert entities.keys.to_numpy().tolist() == [["b", 1], ["a", 1], ["a", 2], ["c", 1]]
        assert entities.of_row.tolist() == [0, 1, 0, 2, 3]

    def test_a_key_of_three_columns(self) -> None:
        frame = pd.DataFrame({"a": [0, 0, 1, 1, 0], "b": [0, 1, 0, 1, 0], "c": [5, 5, 5, 5, 6]})
        assert Entities.of(frame, ["a", "b", "c"]).of_row.tolist() == [0, 1, 2, 3, 4]

    def test_a_missing_key_is_refused_with_its_row(self) -> None:
        frame = visits()
        frame.loc[3, "patient"] = None
        with pytest.raises(DataError, match="key 'patient' is missing in row 4; drop such rows, or give them a key"):
            Entities.of(frame, ["patient"])

    def test_the_index_of_the_frame_does_not_matter(self) -> None:
        frame = visits().set_index(pd.Index([7, 7, 7, 7, 7]))
        assert Entities.of(frame, ["patient"]).of_row.tolist() == [0, 1, 0, 1, 2]

    def test_an_entity_is_described_as_people_write_it(self) -> None:
        assert Entities.of(visits(), ["patient", "ward"]).describe(2) == "patient=a, ward=2"


class TestOrder:
    def test_rows_go_entity_by_entity_in_order_of_time(self) -> None:
        entities = Entities.of(visits(), ["patient"])
        assert entities.sorted_rows(visits()["day"].to_numpy(np.float64)).tolist() == [2, 0, 3, 1, 4]

    def test_without_a_time_rows_stay_as_they_stand(self) -> None:
        assert Entities.of(visits(), ["patient"]).sorted_rows().tolist() == [0, 2, 1, 3, 4]

    def test_rows_of_one_time_stay_as_they_stand(self) -> None:
        entities = Entities.of(pd.DataFrame({"id": [1, 1, 1, 1]}), ["id"])
        assert entities.sorted_rows(np.array([5.0, 3.0, 5.0, 3.0])).tolist() == [1, 3, 0, 2]


class TestConstant:
    def long(self) -> pd.DataFrame:
        id_ = np.repeat(np.arange(6), 3)
        return pd.DataFrame({"sex": id_ % 2, "region": [None, *["n"] * 17], "day": np.arange(18)}).assign(id=id_)

    def test_columns_that_never_vary_within_an_entity_are_found(self) -> None:
        frame = self.long()
        frame["maybe"] = np.where(frame["id"] == 2, np.nan, frame["id"] * 1.5)  # missing throughout an entity
        assert Entities.of(frame, ["id"]).constant(frame) == ("sex", "id", "maybe")

    def test_none_is_found_where_hardly_an_entity_has_two_rows(self) -> None:
        frame = pd.DataFrame({"id": [*range(30), *range(9)], "sex": 1})
        assert Entities.of(frame, ["id"]).constant(frame[["sex"]]) == ()
        frame = pd.DataFrame({"id": [*range(30), *range(10)], "sex": 1})
        assert Entities.of(frame, ["id"]).constant(frame[["sex"]]) == ("sex",)

    def test_a_static_column_that_varies_is_refused_with_entity_and_values(self) -> None:
        frame = visits()
        frame.loc[2, "sex"] = "m"
        with pytest.raises(DataError, match="'sex' varies within the entity patient=b: 'f', 'm'; correct it"):
            Entities.of(frame, ["patient"]).check_constant(frame[["sex"]])

    def test_missing_in_one_row_only_is_varying(self) -> None:
        with pytest.raises(DataError, match="'region' varies within the entity id=0: None, 'n'"):
            Entities.of(self.long(), ["id"]).check_constant(self.long()[["region"]])

    def test_what_is_constant_passes(self) -> None:
        Entities.of(visits(), ["patient"]).check_constant(visits()[["sex"]])
