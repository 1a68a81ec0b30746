"""Pictures with matplotlib: every function takes Axes to draw on and returns them."""

from keras_sngp.plots.surfaces import PROBABILITY_COLORS as PROBABILITY_COLORS
from keras_sngp.plots.surfaces import plot_points as plot_points
from keras_sngp.plots.surfaces import plot_surface as plot_surface
