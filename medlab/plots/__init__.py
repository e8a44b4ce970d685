"""Records to static figures. `show` picks the right one; nothing here reads files or changes a record."""

from medlab.plots.plate import Plate
from medlab.plots.show import show

__all__ = ["Plate", "show"]
