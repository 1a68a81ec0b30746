"""What the page about choosing says between its tables."""

INTRODUCTION = """# How to choose

What to take, by what was measured: the tables of [quality on real data](quality.md), and, for settings, validation data
alone. AUROC tells how well inputs out of domain are told from test inputs: 1 always, 0.5 by chance."""

METHOD = """## Which method

- **One network, one pass: an SNGP.** It takes little more time than the plain network at prediction, and is the better
  one of the two in accuracy, calibration and out of domain in most rows below.
- **Several networks to spare: an ensemble of SNGPs**, rather than one of plain networks.
- **A plain network that must stay as it is**: give it a temperature, and ask Dempster-Shafer of its logits rather than its
  largest probability. That costs nothing and is often worth more than MC dropout.
- **MC dropout** costs as many passes as it has samples, and gains least.

AUROC of each method, by the score that validation data chose for it:"""

SCORE = """## Which score

Dempster-Shafer on the logits is the first to try, for every method that has logits. The variance sees distance alone: it
is the best score where inputs are far (other images), and a poor one where they are near (questions of another
intent, people of another country), since there it is the mixture of classes that gives them away. The largest
probability is the weakest throughout. With some unfamiliar inputs at hand, choose the score by them.

AUROC of three methods by each score (Dempster-Shafer needs logits, mutual information several samples):"""

BOUND = """## Which bound on spectral norms

0.95 for residual blocks of dense layers. Convolutions with batch normalisation want more, 2 to 6. The bound buys
calibration and likelihood rather than AUROC: the tables of quality have an SNGP without it, which finds
out-of-domain inputs as well or better. Where accuracy falls after conversion, raise it first."""

KERNEL_SCALE = """## Which kernel scale

`"auto"`, the median distance between the rows of the first batch, is safe. Half of it, or as in the table, is often a
little better out of domain; far below it accuracy and calibration suffer."""

FEATURES = """## How many random features

1024. Fewer cost quality, more hardly gain any; time and memory of the posterior grow with their square."""

BEHIND = """## Where an SNGP is behind

Every method that tells out-of-domain inputs better than one SNGP by more than 0.001 of AUROC; ensembles of SNGPs are left
out."""

ENDING = """Made by `python benchmarks/quality/pages.py` from the files in
[`benchmarks/quality/results`](../benchmarks/quality/results)."""
