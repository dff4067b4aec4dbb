"""Work of seconds in a process of its own: in a thread it would hold up everybody whom this one serves."""

from governance.apart.call import LARGE, apart
from governance.apart.collections import full_collections_wait

__all__ = ["LARGE", "apart", "full_collections_wait"]
