"""Pictures of capital letters in print, 28 x 28: as notMNIST (Bulatov 2011), but drawn here from Matplotlib's fonts."""

import numpy as np

from benchmarks.data.labelled_images import ImagesAndLabels

LETTERS = "ABCDEFGHIJ"
STYLES = (("normal", "normal"), ("normal", "bold"), ("italic", "normal"), ("italic", "bold"))
FONTS = (
    *(("DejaVu Sans", *style) for style in STYLES),
    *(("DejaVu Sans Mono", *style) for style in STYLES),
    *(("DejaVu Serif", *style) for style in STYLES),
    *(("STIXGeneral", *style) for style in STYLES),
    ("cmr10", "normal", "normal"),
    ("cmss10", "normal", "normal"),
    ("cmtt10", "normal", "normal"),
)
MOST_TURN = 15.0
SIZES = (18.0, 26.0)
MOST_SHIFT = 3.0


def make_letters(rows: int = 10_000, seed: int = 0) -> ImagesAndLabels:
    """White letters A to J on black by several fonts, in random sizes, places and turns of up to 15 degrees.

    Returns:
        Images `(rows, 28, 28)`, uint8, and their labels, 0 for A.

    Example:

    >>> images, labels = make_letters(rows=3)
    >>> images.shape, images.dtype, labels.shape
    ((3, 28, 28), dtype('uint8'), (3,))
    """
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, len(LETTERS), rows)
    return np.stack([_draw(LETTERS[label], generator) for label in labels]), labels


def _draw(letter: str, generator: np.random.Generator) -> np.ndarray:
    from PIL import Image, ImageDraw, ImageFont

    side = 28
    size = generator.uniform(*SIZES)
    font = ImageFont.truetype(_font_file(generator), size)
    image = Image.new("L", (side, side))
    middle = tuple(side / 2 + generator.uniform(-MOST_SHIFT, MOST_SHIFT, 2))
    ImageDraw.Draw(image).text(middle, letter, fill=255, font=font, anchor="mm")
    turn = np.deg2rad(generator.uniform(-MOST_TURN, MOST_TURN))
    cosine, sine, half = np.cos(turn), np.sin(turn), side / 2
    affine = (cosine, sine, half - cosine * half - sine * half, -sine, cosine, half + sine * half - cosine * half)
    return np.asarray(image.transform(image.size, Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR))


def _font_file(generator: np.random.Generator) -> str:
    from matplotlib import font_manager

    family, style, weight = FONTS[generator.integers(len(FONTS))]
    properties = font_manager.FontProperties(family=family, style=style, weight=weight)  # type: ignore[arg-type]
    return font_manager.findfont(properties, fallback_to_default=False)
