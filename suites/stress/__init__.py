"""Hundreds of consecutive chunks spoken by one living backend."""
