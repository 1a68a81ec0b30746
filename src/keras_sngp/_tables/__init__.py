"""Tables of any source: one reader, one writer, one canonical form of a cell, one vocabulary of columns."""
