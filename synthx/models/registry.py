"""The models by name, and how a saved one is opened."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from synthx.errors import ArtifactError, ParameterError

if TYPE_CHECKING:
    from synthx.models.base import Synthesizer

__all__ = ["MODELS", "load", "model_class"]

MODELS = {
    "ar": ("synthx.models.autoregressive", "TabularAR"),
    "gan": ("synthx.models.gan", "TabularGAN"),
    "mst": ("synthx.models.mst", "TabularMST"),
    "sequence-vae": ("synthx.models.recurrent_vae", "SequenceVAE"),
    "vae": ("synthx.models.vae", "TabularVAE"),
}
"""Name -> (module, class). To add a model, write its file and name it here."""


def model_class(name: str) -> type[Synthesizer]:
    """Return the class of a model.

    Raises
    ------
    ParameterError
        If there is no model of that name.
    """
    if name not in MODELS:
        raise ParameterError(f"there is no model {name!r}", remedy=f"choose from {', '.join(MODELS)}")
    module, attribute = MODELS[name]
    found: type[Synthesizer] = getattr(import_module(module), attribute)
    return found


def load(path: str | Path) -> Synthesizer:
    """Open a saved model, on a GPU if there is one.

    Raises
    ------
    ArtifactError
        If the file is damaged, foreign, or was written by a newer version.
    """
    from synthx.artifact import read_artifact

    artifact = read_artifact(path)
    if artifact.model not in MODELS:
        raise ArtifactError(
            f"the file {str(path)!r} holds a model {artifact.model!r}, which this version does not know",
            remedy="upgrade synthx",
        )
    return model_class(artifact.model)._from_parts(artifact.parts, artifact.tensors)
