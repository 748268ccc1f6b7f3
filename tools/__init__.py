"""Commands for those who work on the project: measuring, and making the embedded models."""
