"""What `convert` did to each layer of a network."""

import collections
import dataclasses
import io
from typing import Any

import rich.console
import rich.table

BOUNDED = "bounded"
CONSTRAINED = "by constraint"
UNBOUNDED = "unbounded"
SKIPPED = "skipped"
HEAD = "head"
WITHOUT_WEIGHTS = "no weights"
WIDEST_TABLE = 160


@dataclasses.dataclass(frozen=True)
class LayerReport:
    """What happened to one layer.

    Attributes:
        name: The layer's name, after those of the models it is nested in, with slashes.
        kind: Its class.
        treatment: `"bounded"` (wrapped in `SpectralNormalization`), `"by constraint"`, `"unbounded"` (it may stretch
            distances without limit), `"skipped"`, `"head"`, or `"no weights"`.
        norm_before: Spectral norm in the original network; for BatchNormalization the largest scale of a channel.
        norm_after: The same in the converted network.
        reason: Why, where it is not obvious.
    """

    name: str
    kind: str
    treatment: str
    norm_before: float | None = None
    norm_after: float | None = None
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class ConversionReport:
    """The account of a conversion, layer by layer; `print` shows it as a table.

    Example:

    >>> _, report = keras_sngp.convert(functional_classifier)
    >>> [(layer.name, layer.treatment) for layer in report.layers]
    [('hidden', 'bounded'), ('logits', 'head')]
    """

    layers: tuple[LayerReport, ...]

    def count(self, treatment: str) -> int:
        """Number of layers with this treatment."""
        return collections.Counter(layer.treatment for layer in self.layers)[treatment]

    def to_dict(self) -> dict[str, Any]:
        """The account as plain lists and dictionaries, for JSON."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        table = rich.table.Table("layer", "kind", "treatment", "norm before", "norm after", "reason")
        for layer in self.layers:
            if layer.treatment != WITHOUT_WEIGHTS:
                norms = ("" if n is None else f"{n:.3g}" for n in (layer.norm_before, layer.norm_after))
                table.add_row(layer.name, layer.kind, layer.treatment, *norms, layer.reason)
        counts = collections.Counter(layer.treatment for layer in self.layers)
        table.caption = ", ".join(f"{number} {treatment}" for treatment, number in counts.items())
        return _plain_text(table)


def _plain_text(table: rich.table.Table) -> str:
    natural_width = rich.console.Console(width=10_000).measure(table).maximum
    text = io.StringIO()
    rich.console.Console(file=text, width=min(natural_width, WIDEST_TABLE)).print(table)
    return text.getvalue().rstrip()
