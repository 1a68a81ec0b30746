"""Images of anybody's data: folders of files, encoded bytes in a table, arrays."""

from keras_sngp.images.image_column import ImageColumn as ImageColumn
