"""What did a quantization cost?"""
