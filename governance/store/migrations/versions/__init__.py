"""One step each, named r and its number; a step that was released is never changed."""
