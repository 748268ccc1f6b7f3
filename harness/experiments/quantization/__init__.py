"""Quantization: several builds of one model, compared chunk by chunk."""
