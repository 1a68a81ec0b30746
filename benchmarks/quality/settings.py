"""How the networks of a study are trained."""

import dataclasses

import keras

STEPS = (0.3, 0.6, 0.8)
STEP_FACTOR = 0.2


@dataclasses.dataclass(frozen=True)
class Settings:
    """Chosen on validation data.

    Attributes:
        epochs: Passes over the training data.
        learning_rate: The largest one.
        residual_blocks: Blocks of the network.
        batch_size: Rows a step.
        norm_multiplier: Bound on the spectral norms of an SNGP.
        gp_kernel_scale: Length scale of its kernel.
        num_inducing: Number of its random features.
        warmup: Share of the steps in which a cosine schedule rises.
        optimizer: `"adamw"`, or `"sgd"` with Nesterov momentum.
        weight_decay: Of the optimizer.
        schedule: `"cosine"`, or `"steps"`: times 0.2 after 30, 60 and 80 % of the epochs.
    """

    epochs: int
    learning_rate: float
    residual_blocks: int
    batch_size: int = 128
    norm_multiplier: float = 0.95
    gp_kernel_scale: float | str = "auto"
    num_inducing: int = 1024
    warmup: float = 0.0
    optimizer: str = "adamw"
    weight_decay: float = 0.004
    schedule: str = "cosine"


def make_optimizer(settings: Settings, steps_an_epoch: int) -> keras.optimizers.Optimizer:
    rate = learning_rate(settings, settings.epochs * steps_an_epoch)
    if settings.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=settings.weight_decay)
    return keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay)


def learning_rate(settings: Settings, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    highest = settings.learning_rate
    if settings.schedule == "steps":
        boundaries = [int(share * steps) for share in STEPS]
        values = [highest * STEP_FACTOR**number for number in range(len(STEPS) + 1)]
        return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, values)
    rising = int(settings.warmup * steps)
    if not rising:
        return keras.optimizers.schedules.CosineDecay(highest, steps)
    return keras.optimizers.schedules.CosineDecay(0.0, steps - rising, warmup_target=highest, warmup_steps=rising)
