"""Add outputs to a trained model without losing the old ones."""

from typing import Any

from thinc.api import Model
from thinc.layers.resizable import resize_linear_weighted


def resize_output(model: Model[Any, Any], new_nO: int) -> Model[Any, Any]:
    """Give a model more outputs; the rows it has learned stay as they are.

    The new rows are zeros. The layer is a new one to the optimizer, because the
    moments that it keeps have the old shape.

    model (Model): Its reference "output_layer" is a `Linear` layer below it.
    new_nO (int): Number of outputs, at least as many as now.
    RETURNS (Model): The same model, changed.
    """
    old = model.get_ref("output_layer")
    new = resize_linear_weighted(old, new_nO)
    if new is not old:
        # also moves the references in the layers between
        model.replace_node(old, new)
    model.set_dim("nO", new_nO, force=True)
    for node in model.walk():
        if new in node.layers and node.maybe_get_dim("nO") is not None:
            node.set_dim("nO", new_nO, force=True)
    return model
