"""The tables of docs/deferral.md, from `results.json`."""

from pathlib import Path

from benchmarks.markdown import markdown_table
from benchmarks.results import read_results

RESULTS = Path(__file__).with_name("results.json")
COLUMNS = {
    "deferred": "deferred",
    "machine": "machine alone",
    "human": "human alone",
    "answered": "answers the machine gives",
    "joint": "together",
}


def policies_table(policies: list[dict]) -> str:
    """Means over splits, with the range that holds 95 % of them."""
    lines = ([policy["policy"], *(_cell(*policy[name]) for name in COLUMNS)] for policy in policies)
    return markdown_table(["policy", *COLUMNS.values()], lines)


def _cell(mean: float, low: float, high: float) -> str:
    return f"{100 * mean:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def tables() -> dict[str, str]:
    policies = read_results(RESULTS)["policies"]
    names = dict.fromkeys(policy["model"] for policy in policies)
    return {f"policies {name}": policies_table([one for one in policies if one["model"] == name]) for name in names}
