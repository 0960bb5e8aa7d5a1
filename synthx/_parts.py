"""Tables that are written over hours: what is done is put aside in parts, so that a run that was stopped can go on."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthx._files import replacing, writing
from synthx.errors import DataError, OutputError

if TYPE_CHECKING:
    import pandas as pd

    from synthx.connectors.places import Writer

__all__ = ["Parts", "parts_folder"]

STATE = "state.json"


def parts_folder(output: Path) -> Path:
    """Return the folder, beside an output file, where parts of it are put aside."""
    return output.with_name(output.name + ".parts")


class Parts:
    """Frames put aside, each written whole or not at all, until all are there.

    Parameters
    ----------
    folder : Path
        Where they lie; made if it is not there.
    asked : mapping of str to JSON values
        What the run is to write. Parts of a run that was asked for something else are refused.
    seed : int or None
        The seed that was asked for; without one, one is drawn, and kept with the parts.
    resume : bool
        Whether parts that are there are kept; otherwise they are thrown away.

    Raises
    ------
    OutputError
        If parts are to be kept that belong to another run, or are damaged, or the folder cannot be written to.
    """

    def __init__(self, folder: Path, asked: Mapping[str, Any], *, seed: int | None, resume: bool) -> None:
        self.folder, self.asked = folder, dict(asked)
        self.seed = secrets.randbits(32) if seed is None else seed
        """What the rows are drawn with, before and after the run was stopped."""
        self.counts: list[int] = []
        """How much each part holds: rows, or entities."""
        if resume and (folder / STATE).exists():
            self._read()
            return
        with writing(folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        self._save()

    @property
    def done(self) -> int:
        return sum(self.counts)

    def keep(self, count: int, frames: Sequence[pd.DataFrame]) -> None:
        """Put the next part aside, one frame for each output; it counts once all of it is on the disk.

        Raises
        ------
        OutputError
            If the disk is full.
        DataError
            If a column mixes types.
        """
        for place, frame in enumerate(frames):
            _write_part(frame, self._path(len(self.counts), place))
        self.counts.append(count)
        self._save()

    def join(self, writers: Sequence[Writer]) -> None:
        """Write all parts, in order, to where they belong."""
        for number in range(len(self.counts)):
            for place, writer in enumerate(writers):
                writer.append(_read_part(self._path(number, place)))

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int, place: int) -> Path:
        return self.folder / f"{number:06d}-{place}.arrow"

    def _save(self) -> None:
        with replacing(self.folder / STATE, force=True) as draft:
            state = {"asked": self.asked, "seed": self.seed, "counts": self.counts}
            draft.write_text(json.dumps(state, indent=1), encoding="utf-8")

    def _read(self) -> None:
        again = "add --force instead of --resume to begin anew, or repeat the command that began"
        try:
            state = json.loads((self.folder / STATE).read_text(encoding="utf-8"))
            asked, seed, counts = dict(state["asked"]), int(state["seed"]), [int(count) for count in state["counts"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutputError(f"the parts in {str(self.folder)!r} are damaged", remedy=again) from error
        for name in self.asked:
            if asked.get(name) != self.asked[name]:
                raise OutputError(
                    f"the parts in {str(self.folder)!r} are of another run: its {name} is {asked.get(name)!r}, "
                    f"now it is {self.asked[name]!r}",
                    remedy=again,
                )
        self.seed, self.counts = seed, counts


def _write_part(frame: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa

    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(
            f"a part of the table cannot be put aside ({error})",
            remedy="give the column one type in the schema and fit again, or write fewer rows at a time",
        ) from error
    with replacing(path, force=True) as draft, writing(path), draft.open("xb") as file:
        with pa.ipc.new_file(file, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(table)
        os.fsync(file.fileno())


def _read_part(path: Path) -> pd.DataFrame:
    import pyarrow as pa

    try:
        with pa.memory_map(str(path)) as file:
            table = pa.ipc.open_file(file).read_all()
    except (OSError, pa.ArrowInvalid) as error:
        raise OutputError(
            f"the part {str(path)!r} is damaged ({error})", remedy="add --force instead of --resume to begin anew"
        ) from error
    frame: pd.DataFrame = table.to_pandas(integer_object_nulls=True)
    told = json.loads(table.schema.metadata[b"pandas"])["columns"]
    objects = {column["name"]: object for column in told if column["numpy_type"] == "object"}
    return frame.astype(objects)
