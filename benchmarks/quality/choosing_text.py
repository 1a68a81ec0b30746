"""What the page about choosing says between its tables."""

INTRODUCTION = """# How to choose

What to take, by what was measured: the tables of [quality on real data](quality.md), and, for settings, validation data
alone. AUROC tells how well inputs out of domain are told from test inputs: 1 always, 0.5 by chance."""

METHOD = """## Which method

AUROC of each method, by the score that validation data chose for it:"""

SCORE = """## Which score

AUROC of three methods by each score (Dempster-Shafer needs logits, mutual information several samples):"""

BOUND = """## Which bound on spectral norms"""

KERNEL_SCALE = """## Which kernel scale"""

FEATURES = """## How many random features"""

BEHIND = """## Where an SNGP is behind"""

ENDING = """Made by `python benchmarks/quality/pages.py` from the files in
[`benchmarks/quality/results`](../benchmarks/quality/results)."""
