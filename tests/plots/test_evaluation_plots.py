"""What is drawn is what the data says."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_sngp.deferral import joint_accuracy_curve
from keras_sngp.metrics import confidence_bins, risk_coverage_curve
from keras_sngp.plots import (
    plot_accuracy_rejection,
    plot_joint_accuracy,
    plot_reliability,
    plot_risk_coverage,
    plot_score_histograms,
)

CONFIDENCE = np.linspace(0.5, 1, 400)
CORRECT = np.arange(400) % 5 != 0
CURVE = risk_coverage_curve(1 - CONFIDENCE, ~CORRECT)


def line(ax, label):
    return next(drawn for drawn in ax.lines if drawn.get_label() == label)


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_reliability_diagram_draws_each_models_filled_bins_bands_and_counts():
    bins = confidence_bins(CONFIDENCE, CORRECT, 10)
    other = confidence_bins(CONFIDENCE**2, CORRECT, 10)
    ax, counts = Figure().subplots(2, 1)
    assert plot_reliability(ax, {"one": bins, "two": other}, counts) is ax
    filled = bins.count > 0
    np.testing.assert_allclose(line(ax, "one").get_xdata(), bins.confidence[filled])
    np.testing.assert_allclose(line(ax, "one").get_ydata(), bins.accuracy[filled])
    assert legend(ax) == ["calibrated", "one", "two"]
    assert len(ax.collections) == 2
    heights = sum(bar.get_height() for bar in counts.patches)
    assert heights == pytest.approx(2)


def test_counts_of_a_single_model_are_written_on_their_bars():
    ax, counts = Figure().subplots(2, 1)
    plot_reliability(ax, {"one": confidence_bins(np.repeat([0.5, 0.95], [20_000, 3]), np.ones(20_003), 10)}, counts)
    assert [text.get_text() for text in counts.texts] == ["20k", "3"]


def test_risk_coverage_ends_at_the_error_rate_and_never_goes_below_the_best():
    ax = plot_risk_coverage(Figure().subplots(), {"network": CURVE})
    drawn = line(ax, "network")
    assert drawn.get_xdata()[-1] == 1
    assert drawn.get_ydata()[-1] == pytest.approx(0.2)
    best = ax.lines[1]
    assert (best.get_ydata() <= drawn.get_ydata() + 1e-12).all()
    assert legend(ax) == ["network", "best order possible"]


def test_accuracy_rejection_starts_at_the_accuracy():
    ax = plot_accuracy_rejection(Figure().subplots(), {"network": CURVE})
    rejected, accuracy = line(ax, "network").get_data()
    assert accuracy[np.argmin(rejected)] == pytest.approx(0.8)


def test_histograms_hold_all_rows_of_both_sides():
    ax = plot_score_histograms(Figure().subplots(), CONFIDENCE, [3.0, 4.0], "Variance", threshold=2.0)
    shares = [patch.get_data().values.sum() for patch in ax.patches]
    np.testing.assert_allclose(shares, 1)
    assert legend(ax) == ["in domain", "out of domain", "deferred to the right"]


def test_a_long_tail_is_counted_in_the_last_bar():
    ax = plot_score_histograms(Figure().subplots(), np.append(np.linspace(0, 1, 999), 1e6), [0.5, 0.9])
    assert ax.get_xlim()[1] <= 1
    np.testing.assert_allclose(ax.patches[0].get_data().values.sum(), 1)


def test_histograms_of_a_single_value_are_drawn_all_the_same():
    assert plot_score_histograms(Figure().subplots(), [1.0], [1.0]).get_xlabel() == "Uncertainty"


def test_joint_accuracy_goes_from_the_machine_to_the_expert_and_marks_the_policy():
    curve = joint_accuracy_curve(1 - CONFIDENCE, ~CORRECT, np.full(400, 0.9))
    ax = plot_joint_accuracy(Figure().subplots(), {"network": curve}, {"network": 0.25})
    drawn = line(ax, "network and expert")
    np.testing.assert_allclose(drawn.get_ydata()[[0, -1]], [0.8, 0.9])
    assert line(ax, "expert alone").get_ydata()[0] == pytest.approx(0.9)
    marker = next(mark for mark in ax.lines if mark.get_marker() == "D" and len(mark.get_xdata()))
    assert (marker.get_xdata()[0], marker.get_ydata()[0]) == (0.25, curve.at(0.25))


def test_large_data_is_drawn_with_a_thousand_points():
    curve = risk_coverage_curve(np.arange(50_000.0), np.arange(50_000) % 2)
    ax = plot_risk_coverage(Figure().subplots(), {"network": curve})
    assert len(ax.lines[0].get_xdata()) <= 1000
