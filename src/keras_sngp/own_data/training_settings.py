"""How a classifier of rows of numbers, texts or images is trained."""

import dataclasses

import keras
import numpy as np

LEAST_STEPS = 2_000
EPOCHS = (10, 200)


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """How a classifier is trained.

    Attributes:
        epochs: Most passes over the training rows; by default enough for 2,000 steps, from 10 to 200.
        learning_rate: The first one; it falls to zero along a cosine.
        weight_decay: Of the optimizer, AdamW.
        batch_size: Rows a step.
        patience: Epochs without a smaller validation loss after which training stops.
        validation_share: Share of the rows for validation, and again for the held-out rows.
        seed: Of the split, the first weights and the order of the rows.
    """

    epochs: int | None = None
    learning_rate: float = 1e-3
    weight_decay: float = 0.004
    batch_size: int = 128
    patience: int = 5
    validation_share: float = 0.1
    seed: int = 0

    def epochs_for(self, rows: int) -> int:
        """Most passes over so many rows."""
        if self.epochs is not None:
            return self.epochs
        return int(np.clip(-(-LEAST_STEPS * self.batch_size // rows), *EPOCHS))

    def compile(self, model: keras.Model, rows: int) -> None:
        """Gives the model its optimizer, with a rate that falls over so many rows' steps, and its loss of logits."""
        steps = self.epochs_for(rows) * -(-rows // self.batch_size)
        rate = keras.optimizers.schedules.CosineDecay(self.learning_rate, steps)
        model.compile(
            keras.optimizers.AdamW(rate, weight_decay=self.weight_decay),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
