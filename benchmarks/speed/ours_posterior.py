"""The posterior of many rows against the speed of one large matrix product on the same machine."""

import os

import keras
import numpy as np

import keras_sngp as sngp
from benchmarks.speed.measuring import main, once, peak_megabytes_more

ROWS = int(os.environ.get("SPEED_POSTERIOR_ROWS", 1_000_000))
FEATURES, BLOCK = 1024, 1024
draws = np.random.default_rng(0)


class Blocks(keras.utils.PyDataset):
    """The same features over and over: they are given, so that only the posterior is measured."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows
        self.block = draws.normal(size=(BLOCK, FEATURES)).astype("float32")

    def __len__(self) -> int:
        return -(-self.rows // BLOCK)

    def __getitem__(self, number: int):
        return self.block[: self.rows - number * BLOCK], np.zeros((min(BLOCK, self.rows - number * BLOCK), 1))


def posterior() -> dict[str, float]:
    inputs = keras.Input((FEATURES,))
    outputs = sngp.RandomFeatureGaussianProcess(2, gp_kernel_type="linear", returns="mean_field_logits")(inputs)
    model = keras.Model(inputs, outputs)
    taken = {}
    sngp.fit_posterior(model, Blocks(2 * BLOCK))
    for name, rows in (("a tenth of the rows", ROWS // 10), ("all rows", ROWS)):
        data = Blocks(rows)
        megabytes = peak_megabytes_more(
            lambda name=name, data=data: taken.update({name: once(lambda: sngp.fit_posterior(model, data))})
        )
        taken[f"{name}, megabytes"] = megabytes
    operations = 2 * ROWS * FEATURES**2 + 4 * FEATURES**3 / 3
    return {
        **taken,
        "posterior GFLOP/s": operations / taken["all rows"] / 1e9,
        "sgemm GFLOP/s": max(gemm_rate(), gemm_rate()),
    }


def gemm_rate() -> float:
    size = 4096
    left, right = draws.normal(size=(2, size, size)).astype("float32")
    return 2 * size**3 / min(once(lambda: left @ right) for _ in range(4)) / 1e9


if __name__ == "__main__":
    main({"posterior": posterior})
