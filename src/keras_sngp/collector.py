"""What layers deep inside a model have to say to whoever calls it, past all that lies between."""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Collector(Generic[Item]):
    """Gathers items that are added while a `collect` block is open; of nested blocks the innermost gets them."""

    def __init__(self, name: str) -> None:
        self._items: contextvars.ContextVar[list[Item] | None] = contextvars.ContextVar(name, default=None)

    @contextlib.contextmanager
    def collect(self) -> Iterator[list[Item]]:
        """Opens a block and gives the list that its items go into."""
        items: list[Item] = []
        token = self._items.set(items)
        try:
            yield items
        finally:
            self._items.reset(token)

    def add(self, item: Item) -> bool:
        """Adds an item if a block is open, and says whether one is."""
        items = self._items.get()
        if items is None:
            return False
        items.append(item)
        return True
