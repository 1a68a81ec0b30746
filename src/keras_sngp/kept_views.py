"""Views of a model, other models around it, kept beside it so that their programs are compiled once."""

import dataclasses
from typing import Any

import keras

from keras_sngp.sharing_rows import strategy_of


@dataclasses.dataclass(frozen=True)
class _Kept:
    """Not a list or dictionary, in which Keras would track a model held by its own part in a circle."""

    view: keras.Model
    made_for: tuple[Any, Any]


def kept_view(model: keras.Model, view_class: type[keras.Model]) -> keras.Model:
    """`view_class(model)`, the one made before unless `compile` or another distribution asks for new programs."""
    name = f"_kept{view_class.__name__}"
    made_for = (model.train_function, keras.distribution.distribution())
    kept = getattr(model, name, None)
    if kept is None or any(one is not other for one, other in zip(kept.made_for, made_for, strict=True)):
        with strategy_of(model):
            kept = _Kept(view_class(model), made_for)
        setattr(model, name, kept)
    return kept.view
