"""Names of methods, of combined scores and of data, without Keras: tables are made of figures alone."""

DETERMINISTIC = "deterministic"
TEMPERATURE = f"{DETERMINISTIC}, temperature"
TEMPERATURE_FOR_SHIFT = f"{TEMPERATURE} for shift"
SNGP_FOR_SHIFT = "SNGP, calibrated for shift"
WITHOUT_BOUND, WITHOUT_GP = "SNGP without bound", "SNGP without GP"
FISHER = "Fisher"
WEIGHTS_OF_VARIANCE = {FISHER: 1.0, "Fisher, variance 1/2": 0.5, "Fisher, variance 1/4": 0.25}
UNSHIFTED = "unshifted"
