"""Tables of anybody's data: read block by block, their columns typed, and turned into what a network takes."""

from keras_sngp.tables.infer_columns import infer_schema as infer_schema
from keras_sngp.tables.schema import TableSchema as TableSchema
