"""The `keras-sngp` command; a package of its own, so that `--help` answers without importing Keras."""
