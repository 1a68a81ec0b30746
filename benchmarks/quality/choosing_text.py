"""What the page about choosing says between its tables."""

INTRODUCTION = """# How to choose

What to take, by what was measured: the tables of [quality on real data](quality.md), and, for settings, validation data
alone. AUROC tells how well inputs out of domain are told from test inputs: 1 always, 0.5 by chance."""

METHOD = """## Which method

- **One network, one pass: an SNGP.** On texts, clothes and digits it told what it does not know better than the plain
  network and MC dropout, and better than five to ten plain networks, but for printed letters among digits, where those
  were ahead by 0.006. On texts it was more accurate and better in likelihood, on clothes and digits level with the
  plain network, on census data a little ahead, but there the score that was chosen failed it out of domain. On
  CIFAR-10, after ten epochs, it was more accurate than the plain network by 0.9 points, better in likelihood and
  calibration, each of these with each of five seeds, and found digits far better (AUROC 0.97 to 0.90). Images of other
  classes, which are near, it told better by the logits alone (0.808 to 0.793, with each seed), but by the score that
  validation data chose, in which the variance counts, a little worse (0.783). Five plain networks together were 1.2
  points more accurate than it and had 0.806 and 0.92. Behind an encoder its time does not show; after a network of a
  few small layers it does.
- **Several networks to spare: an ensemble of SNGPs**, rather than one of plain networks: five of them found what is out
  of domain better than five to ten of those, except on census data and, by the score that was chosen, among CIFAR-10
  images of other classes (0.801 to 0.806; by the logits alone 0.823 to 0.807). On CIFAR-10 five were more accurate than
  five plain ones by a point, on texts and census data a little, on clothes level, on digits less so by a tenth of a
  point. Ensembles of either kind were not sure enough of CIFAR-10 images (calibration error 0.03 and 0.04).
- **A plain network that must stay as it is**: ask Dempster-Shafer of its logits rather than its largest probability.
  That costs nothing. A temperature mends its calibration where that is off, and leaves the rest as it is.
- **An encoder that is fine-tuned**: train it twice from the same weights, at two learning rates, and take the mean of
  the weights (Wortsman et al. 2022, arXiv:2203.05482). It is one network, no slower. On CLINC150 that took an SNGP from
  an accuracy of 0.965 and 0.967 to 0.970.
- **MC dropout** costs as many passes as it has samples, and gains less than an ensemble.

AUROC of each method, by the score that validation data chose for it:"""

SCORE = """## Which score

**Of an SNGP: Dempster-Shafer of the logits and the variance together, by Fisher's method** (`scores.fisher`, with the
same scores of held-out rows). The two see different things. The variance sees distance alone: it was the best score
where inputs are of a kind never seen (other images, words that no training row had), and a poor one where known parts
are put together anew (questions of another intent). Dempster-Shafer sees whether a class speaks up at all, and the
other way about. Together they were better than either on grey images, and on questions once the variance counted less
(`weights=[1, 0.25]`); counting fully it cost 0.002 to 0.003 there. On Adult they lost to the variance alone. For equal
weights nothing need be known of what is out of domain. Lesser ones cost a little on clothes, up to 0.03 with a
quarter, and gained a little for letters among digits. On CIFAR-10 a quarter was ahead of every score of the plain
network both near and far (0.804 to 0.793, 0.95 to 0.90), which no other score of an SNGP was; that is known from test
data: neither tiles nor images of held-out classes chose it.

For methods without a variance it is Dempster-Shafer first, for every method that has logits. With some unfamiliar
inputs at hand a score can be chosen by them, as it was here, but take care that they are of the kind to be found: that
matters as much as the method. On Adult they were not. The held-out group that chose the score has nothing unseen but
its occupation, and pointed to Dempster-Shafer, while the variance would have found people from unseen countries far
better than any other method. On CIFAR-10 shuffled tiles pointed to a variance that counts half, with one seed fully;
distance says little of images of other classes.

Near and far ask for different scores. With six of its classes known, and images of the other four to choose by, the
choice was the logits alone, by which an SNGP was ahead of the plain network on those four and on CIFAR-100 (0.759 to
0.742, 0.800 to 0.787), and behind on digits (0.68 to 0.83), of which its variance tells nearly all (0.996).

AUROC of three methods by each score (Dempster-Shafer needs logits, mutual information several samples):"""

SHIFT = """## Confidence under shift

A calibration error of 0.01 on test images says nothing of blurred or noisy ones, on which every network here is too
sure; under noise on CIFAR-10 an SNGP even more so than the plain one, on clothes it was level, on digits far better.
The first may come of the bound: without it an SNGP was less sure of noise than any of five with it, and with the bound
alone a network was the surest of all (one seed each). The variance sees such images, but held-out images that are all
familiar give `calibrate` no reason to make use of that. Give it some that are not: alter a few (`calibrate` takes any
arrays) and leave their labels. Here these were a tenth as many as the held-out images, cut into sixteen tiles that were
shuffled; noise, blur and rotation were not among them. Probabilities alone change: neither the answers nor the scores
by logits and variance. A temperature of the plain network, fitted to the same rows, makes it less sure of everything,
an SNGP mostly of what lies far from its training data. On digits the error under noise fell from 0.27 to 0.12 for the
SNGP, from 0.46 to 0.43 for the plain network, and the uncertainty of the SNGP rises with the strength, while that of
the plain network falls under strong noise and blur. More altered rows make it more careful still, at the cost of
calibration on familiar ones (Tomani et al. 2021, arXiv:2012.10988, on temperatures).

```python
altered = shuffled_tiles(x_held_out[: len(x_held_out) // 10])
labels = np.concatenate([y_held_out, y_held_out[: len(altered)]])
model.calibrate(np.concatenate([x_held_out, altered]), labels)
```

Calibration error, under shift as a mean over strengths:"""

BOUND = """## Which bound on spectral norms

0.95 for residual blocks of dense layers; convolutions with batch normalisation want more, 2 to 6. The bound is a
trade: on texts it gained likelihood, and cost some AUROC, as it did on clothes; on digits and census data it made no
difference. On CIFAR-10 one SNGP without the bound lay within the spread of five with it, in accuracy, likelihood,
calibration and out of domain, and was less sure of noise than each of them, as the table above shows; a plain
network with the bound lay within the spread of five without, but for noise, of which it was surer. From its value in
a table of quality nothing follows for your data: try two or three."""

KERNEL_SCALE = """## Which kernel scale

`"auto"`, the median distance between the rows of the first batch, was never far from the best. A factor of two either
way matters little, one of four costs accuracy or likelihood."""

FEATURES = """## How many random features

1024. A quarter of that cost little, twice as many gained little; time and memory of the posterior grow with their
square.

Under SGD, as is usual for images, say how large the kernel is: `scale_random_features=True, gp_kernel_amplitude=11.3`.
An `SNGP` leaves out the factor `sqrt(2 / M)` of its M features, since with it the output layer learns slowly; without
it, that layer's gradients and curvature grow with M / 2. Adam and its kin make up for that, SGD does not, and at a rate
of 0.1 the loss falls late. An amplitude of 11.3 gives any number of features the size that 256 have without the factor.
ResNet-20 on CIFAR-10, three epochs, validation data: 0.696 right with 1,024 features as they are, 0.722 with 256, 0.616
with 1,024 of amplitude 1. After ten epochs it was 0.807 with 1,024 as they are, 0.834 with 256 and 0.826 with 1,024 of
amplitude 11.3, the plain network 0.820 (another training of it 0.818). We took the last, although 256 were more
accurate: they left the network too sure of strongly blurred test images (uncertainty fell as blur grew, calibration
error 0.47). With 1,024 of amplitude 11.3 uncertainty rises with blur on validation images, from 0.17 to 0.59. These
trials were run by hand, with one seed."""

BEHIND = """## Where an SNGP is behind

Every method that tells out-of-domain inputs better than one SNGP by more than 0.001 of AUROC, ensembles of SNGPs left
aside."""

ENDING = """Made by `python benchmarks/quality/pages.py` from the files in
[`benchmarks/quality/results`](../benchmarks/quality/results)."""
