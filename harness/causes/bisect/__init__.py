"""Which part of a variant makes it fail? Parts are exchanged with the reference's until the smallest set is known."""
