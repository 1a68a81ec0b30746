"""Whether a posterior can be relied on."""

import enum


class PosteriorState(enum.IntEnum):
    """Whether a layer's posterior belongs to its present weights."""

    UNFITTED = 0
    FITTED = 1
    STALE = 2
