"""`keras-sngp moons`: the reference tutorial as one experiment, its figures and its page."""
