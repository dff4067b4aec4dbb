"""An entry of the policy as the fields of a form, and back; which there are, its section's own schema says."""

from governance.usecases.sheets.read import entry_said
from governance.usecases.sheets.shape import Shape, shape_of_entry
from governance.usecases.sheets.write import written_fields

__all__ = ["Shape", "entry_said", "shape_of_entry", "written_fields"]
