"""What the page about choosing says between its tables."""

INTRODUCTION = """# How to choose

What to take, by what was measured: the tables of [quality on real data](quality.md), and, for settings, validation data
alone. AUROC tells how well inputs out of domain are told from test inputs: 1 always, 0.5 by chance."""

METHOD = """## Which method

- **One network, one pass: an SNGP.** On texts it was the better one of single networks out of domain, in accuracy
  and in likelihood. On clothes it was so in accuracy and likelihood, and found digits better than five plain networks
  do, but printed letters less well than one. By half the epochs, with less accuracy, it had found both better (AUROC
  0.949 and 0.956). On census data it was ahead in accuracy and likelihood, and in what it is sure of, but not
  out of domain. On digits it found clothes better than five plain networks do, and alone among single networks grew
  less sure as noise and blur grew; printed letters it found no better than the plain network, and it was less
  accurate by a tenth of a point. On CIFAR-10, after a short training of one seed, it was level with the plain
  network; far images it found by its variance alone, and under noise it grew surer while it got worse. Behind an
  encoder its time does not show; after a network of a few small layers it does.
- **Several networks to spare: an ensemble of SNGPs**, rather than one of plain networks: five of them did better
  than five to ten of those, except out of domain on census data.
- **A plain network that must stay as it is**: ask Dempster-Shafer of its logits rather than its largest probability.
  That costs nothing. A temperature mends its calibration where that is off, and leaves the rest as it is.
- **MC dropout** costs as many passes as it has samples, and gains less than an ensemble.

AUROC of each method, by the score that validation data chose for it:"""

SCORE = """## Which score

Dempster-Shafer on the logits is the first to try on texts and images, for every method that has logits. The variance
sees distance alone: it was the best score where inputs are of a kind never seen (other images, words that no training
row had), and a poor one where known parts are put together anew (questions of another intent). With some unfamiliar
inputs at hand, choose the score by them, and take care that they are of the kind to be found: it matters as much as
the method. On Adult they were not. The held-out group that chose the score has nothing unseen but its occupation, and
pointed to Dempster-Shafer, while the variance would have found people from unseen countries far better than any other
method. On CIFAR-10, too, shuffled tiles, which are made of familiar parts, chose Dempster-Shafer, and digits, which are
not, would have been found nearly without fail by the variance.

AUROC of three methods by each score (Dempster-Shafer needs logits, mutual information several samples):"""

BOUND = """## Which bound on spectral norms

0.95 for residual blocks of dense layers; convolutions with batch normalisation want more, 2 to 6. The bound is a
trade: on texts it gained likelihood, and cost some AUROC; on census data it made no difference. At its value in a
table of quality nothing follows for your data: try two or three."""

KERNEL_SCALE = """## Which kernel scale

`"auto"`, the median distance between the rows of the first batch, was never far from the best. A factor of two either
way matters little, one of four costs accuracy or likelihood."""

FEATURES = """## How many random features

1024. A quarter of that cost little, twice as many gained little; time and memory of the posterior grow with their
square."""

BEHIND = """## Where an SNGP is behind

Every method that tells out-of-domain inputs better than one SNGP by more than 0.001 of AUROC, ensembles of SNGPs left
aside."""

ENDING = """Made by `python benchmarks/quality/pages.py` from the files in
[`benchmarks/quality/results`](../benchmarks/quality/results)."""
