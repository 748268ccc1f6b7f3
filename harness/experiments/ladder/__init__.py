"""Length sweep: the same voice on texts of growing length."""
