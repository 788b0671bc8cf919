"""Records of how AI images were made, sealed with the images, masks and latents they are about.

>>> import holotype.generation, io, numpy
>>> file = io.BytesIO()
>>> holotype.generation.save(
...     file,
...     image=numpy.zeros((64, 64, 3), "u1"),
...     latents={"initial_noise": numpy.ones((1, 4, 8, 8), "f4")},
...     model="Stable Diffusion 3",
...     prompt="A puppy smiling, cinematic",
...     settings={"seed": 42, "steps": 20},
... )
>>> made = holotype.generation.load(file.getvalue())
>>> made.prompt, made.settings["seed"], made.latents["initial_noise"].shape
('A puppy smiling, cinematic', 42, (1, 4, 8, 8))

The fields of a record are those of the JSON Schema that `schema` returns; they are checked when a record is
written and when it is read. Members the schema does not know are kept.
"""

from holotype.generation._drift import (
    Difference,
    EnvironmentDriftWarning,
    EnvironmentReport,
    compare_environments,
)
from holotype.generation._environment import Component, capture_environment, capture_hardware
from holotype.generation._reader import (
    Attachment,
    Generation,
    PartImage,
    derive,
    load,
    load_all,
    redact,
    schema,
)
from holotype.generation._writer import GenerationWriter, save

__all__ = [
    "Attachment",
    "Component",
    "Difference",
    "EnvironmentDriftWarning",
    "EnvironmentReport",
    "Generation",
    "GenerationWriter",
    "PartImage",
    "capture_environment",
    "capture_hardware",
    "compare_environments",
    "derive",
    "load",
    "load_all",
    "redact",
    "save",
    "schema",
]
