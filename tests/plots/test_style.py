from matplotlib.figure import Figure

from keras_sngp.plots.style import show_percent


def test_ticks_have_the_digits_they_need():
    ax = Figure().subplots()
    show_percent(ax)
    assert [ax.yaxis.get_major_formatter()(value, 0) for value in (0.93, 0.002, 1)] == ["93 %", "0.2 %", "100 %"]
