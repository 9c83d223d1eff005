"""Operations: apply an action to one or many objects, and undo it."""
