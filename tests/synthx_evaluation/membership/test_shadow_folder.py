from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synthx.errors import DataError, OutputError
from synthx_evaluation.membership.battery import Scores
from synthx_evaluation.membership.shadow_folder import Shadow, ShadowFolder

SCORES = Scores(("MIA-DCR", "MIA-DOMIAS"), ("gower", "ranked"), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
SCORES_NAMES = (SCORES.attacks, SCORES.geometries)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = ShadowFolder.open(tmp_path / "work", {"seed": 0}, 3)
    assert folder.read(7) is None
    folder.write(7, Shadow(SCORES, 1.5))
    again = ShadowFolder.open(tmp_path / "work", {"seed": 0}, 3).read(7)
    assert again is not None
    assert (again.scores.attacks, again.scores.geometries, again.seconds) == (*SCORES_NAMES, 1.5)
    np.testing.assert_array_equal(again.scores.values, SCORES.values)
    assert sorted(path.name for path in folder.path.iterdir()) == ["shadow-0007.npz", "shadows.json"]


@pytest.mark.parametrize("other", [{"seed": 1}, {}, {"seed": 0, "setting steps": 9}])
def test_shadows_of_another_attack_are_refused(tmp_path: Path, other: dict[str, int]) -> None:
    ShadowFolder.open(tmp_path / "work", {"seed": 0}, 3)
    with pytest.raises(DataError, match=r"shadows of another attack: (seed|setting steps) is"):
        ShadowFolder.open(tmp_path / "work", other, 3)


def test_other_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds other files"):
        ShadowFolder.open(tmp_path, {}, 3)
    with pytest.raises(OutputError, match="cannot be used"):
        ShadowFolder.open(tmp_path / "diary.txt", {}, 3)
    with pytest.raises(OutputError, match="cannot be used"):
        ShadowFolder.open(tmp_path / "missing" / "work", {}, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]


def test_damage_is_told(tmp_path: Path) -> None:
    folder = ShadowFolder.open(tmp_path / "work", {}, 3)
    folder.write(0, Shadow(SCORES, 1.0))
    path = folder.path / "shadow-0000.npz"
    whole = path.read_bytes()
    odd = Scores(*SCORES_NAMES, np.full((3, 2), np.nan))
    for content in (b"", whole[:90], b"no zip", whole[:-30]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"shadow-0000.npz' is damaged; delete this file"):
            folder.read(0)
    for scores in (odd, Scores(*SCORES_NAMES, np.zeros((4, 2)))):
        folder.write(0, Shadow(scores, 1.0))
        with pytest.raises(DataError, match="is damaged"):
            folder.read(0)
    (folder.path / "shadows.json").write_text("[")
    with pytest.raises(DataError, match=r"shadows.json' is damaged"):
        ShadowFolder.open(tmp_path / "work", {}, 3)
