"""How one request is decided, counted and ended: plugins are asked, windows reserved, attempts followed."""
