"""What is measured, by whom, how often, and what is to be reached."""

import dataclasses

OURS, OURS_ON_JAX = "keras-sngp", "keras-sngp-jax"
JAX, TENSORFLOW, TORCH = "keras-sngp, JAX", "keras-sngp, TensorFlow", "keras-sngp, PyTorch"
TF_MODELS, UQ_BOX, PROBA, BY_HAND = "tf-models-official", "lightning-uq-box", "keras-proba, JAX", "JAX by hand"
WHOLE = "whole process"


@dataclasses.dataclass(frozen=True)
class Subject:
    """A module of this folder in an environment; each work is one process of it."""

    environment: str
    module: str
    backend: str = "jax"


def ours(module: str, *names: str) -> dict[str, Subject]:
    backends = {JAX: "jax", TENSORFLOW: "tensorflow", TORCH: "torch"}
    return {name: Subject(OURS, module, backends[name]) for name in names or backends}


TWO_MOONS = {
    **ours("ours_two_moons"),
    TF_MODELS: Subject("tf-models-official", "tf_models"),
    UQ_BOX: Subject("lightning-uq-box", "lightning_uq_box_sngp"),
    PROBA: Subject("keras-proba", "keras_proba_sngp"),
    BY_HAND: Subject(OURS, "jax_by_hand"),
}
AGAINST_TF_MODELS = {name: TWO_MOONS[name] for name in (JAX, TF_MODELS)}
MOONS = {JAX: Subject(OURS_ON_JAX, "ours_two_moons"), TF_MODELS: TWO_MOONS[TF_MODELS]}


@dataclasses.dataclass(frozen=True)
class Work:
    """One table: `name` is what the modules are asked for, `rounds` how often each subject is."""

    name: str
    title: str
    subjects: dict[str, Subject]
    rounds: int = 5


WORKS = (
    Work("step", "Two moons, a training step of 128 rows, once all is compiled", TWO_MOONS),
    Work("training", "Two moons, 100 epochs, compilation and posterior included", AGAINST_TF_MODELS, 3),
    Work("grid", "Probabilities and variance of 10,000 points", TWO_MOONS),
    Work("one row", "One row, warm", TWO_MOONS),
    Work("one row, folded", "One row, warm, the SNGP folded", ours("ours_two_moons")),
    Work("MC dropout", "MC dropout, 10 samples of 10,000 points", AGAINST_TF_MODELS),
    Work("deep ensemble", "Deep ensemble of 10, trained for 100 epochs", AGAINST_TF_MODELS, 3),
    Work("ten fits", "Ten networks, each with a `fit` of its own", ours("ours_two_moons", JAX), 3),
    Work("ResNet-20", "ResNet-20, images of CIFAR-10's size, ten epochs", ours("ours_large", TORCH, JAX), 3),
    Work("MiniLM", "Texts, MiniLM encoder trained too, ten epochs", ours("ours_large", TORCH, JAX), 3),
    Work("posterior", "Posterior of 1,000,000 rows, 1,024 features", ours("ours_posterior", JAX, TORCH), 3),
    Work("moons", "The whole of `keras-sngp moons`", MOONS, 3),
    Work("start", "Starting", ours("ours_two_moons", JAX)),
    Work("growth", "How cost grows", ours("ours_growth", JAX), 1),
)


@dataclasses.dataclass(frozen=True)
class Goal:
    """A measure of one subject over that of another, or by itself, and what it is to stay under, or reach."""

    text: str
    work: str
    measure: tuple[str, str]
    against: tuple[str, str] | None
    limit: float
    at_least: bool = False
    against_work: str | None = None


GOALS = (
    Goal("two moons, SNGP step / that of tf-models", "step", (JAX, "SNGP"), (TF_MODELS, "SNGP"), 0.35),
    Goal("two moons, SNGP step / our plain network's", "step", (JAX, "SNGP"), (JAX, "plain"), 1.6),
    Goal("ResNet-20 on JAX, ten epochs, SNGP / plain", "ResNet-20", (JAX, "SNGP"), (JAX, "plain"), 1.05),
    Goal("ResNet-20 on PyTorch, ten epochs, SNGP / plain", "ResNet-20", (TORCH, "SNGP"), (TORCH, "plain"), 1.05),
    Goal("MiniLM on JAX, ten epochs, SNGP / plain", "MiniLM", (JAX, "SNGP"), (JAX, "plain"), 1.05),
    Goal("MiniLM on PyTorch, ten epochs, SNGP / plain", "MiniLM", (TORCH, "SNGP"), (TORCH, "plain"), 1.05),
    Goal("grid, SNGP / tf-models", "grid", (JAX, "SNGP"), (TF_MODELS, "SNGP"), 0.1),
    Goal("grid, SNGP / lightning-uq-box", "grid", (JAX, "SNGP"), (UQ_BOX, "SNGP"), 0.5),
    Goal("grid, more memory, MB", "grid", (JAX, "SNGP megabytes"), None, 60),
    Goal("one row, SNGP / our plain network's", "one row", (JAX, "SNGP"), (JAX, "plain"), 1.3),
    Goal("one row, SNGP / tf-models", "one row", (JAX, "SNGP"), (TF_MODELS, "SNGP"), 0.02),
    Goal("MC dropout, grid / tf-models", "MC dropout", (JAX, "MC dropout"), (TF_MODELS, "MC dropout"), 0.25),
    Goal("ensemble / tf-models", "deep ensemble", (JAX, "deep ensemble"), (TF_MODELS, "deep ensemble"), 0.25),
    Goal(
        "ensemble / ten of our fits", "deep ensemble", (JAX, "deep ensemble"), (JAX, "ten fits"), 0.5, False, "ten fits"
    ),
    Goal("posterior, share of sgemm", "posterior", (JAX, "posterior GFLOP/s"), (JAX, "sgemm GFLOP/s"), 0.7, True),
    Goal("posterior of all rows, more memory, MB", "posterior", (JAX, "all rows, megabytes"), None, 200),
    Goal("`keras-sngp moons` / the tutorial's script", "moons", (JAX, WHOLE), (TF_MODELS, WHOLE), 0.35),
    Goal("`keras-sngp --help`, s", "start", (JAX, "help"), None, 0.3),
    Goal("`import keras_sngp` over `import keras`, s", "start", (JAX, "import over Keras"), None, 0.15),
)
