"""How a variant's graph was made of its reference's, found out from the two, to be made again with parts left out.

What is made again with nothing left out has to be the variant, operators and stored bytes: else it is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from harness.causes.bisect.onnx.alike import differences, first_other, same_model, same_nodes
from harness.causes.bisect.onnx.half import HalfRecipe
from harness.causes.bisect.onnx.initializers import InitializerRecipe
from harness.causes.bisect.onnx.int8 import Int8Recipe
from harness.causes.bisect.onnx.model import OnnxModel
from harness.causes.bisect.onnx.part import GraphPart
from harness.core.errors import ConfigError

if TYPE_CHECKING:
    from onnx import ModelProto

_FLOAT16 = 10  # TensorProto.FLOAT16


class Recipe(Protocol):
    """One way of making the variant."""

    noun: str

    @property
    def parts(self) -> Sequence[GraphPart]:
        """Return all that can be left as the reference has it, in the order of the graph."""

    def build(self, restored: Collection[str]) -> ModelProto:
        """Return the model with these parts as the reference has them."""

    def line(self, restored: Collection[str]) -> str:
        """Return the Python that builds it; empty where none of the libraries does."""


def recognise(variant: OnnxModel, reference: OnnxModel) -> Recipe:
    """Return how the variant was made. Raises ConfigError, one line, where it cannot be made again."""
    names, kinds = f"bisect: {variant.path.name} and {reference.path.name}", variant.operators()
    if same_nodes(variant, reference):
        return InitializerRecipe(variant, reference)
    if "DynamicQuantizeLinear" in kinds:
        tried: list[Recipe] = [Int8Recipe(variant, reference, reduce_range) for reduce_range in (False, True)]
        how = "quantize_dynamic"
    elif {"QuantizeLinear", "QLinearConv", "QLinearMatMul"} & kinds:
        raise ConfigError(
            f"{names}: {variant.path.name} was quantized with calibration data, which are not in it; "
            "only dynamic int8 and fp16 can be made again"
        )
    elif any(one.data_type == _FLOAT16 for one in variant.initializers.values()):
        tried, how = [HalfRecipe(variant, reference, mended) for mended in (True, False)], "convert_float_to_float16"
    else:
        other = first_other(variant, reference)
        raise ConfigError(
            f"{names}: neither one graph with other initializers, nor dynamic int8 or fp16 of it ({other})"
        )
    why = ""
    for recipe in tried:
        built = recipe.build(())
        if same_model(built, variant.proto):
            return recipe
        why = why or differences(built, variant)
    raise ConfigError(f"{names}: {how} of the second does not give the first ({why})")
