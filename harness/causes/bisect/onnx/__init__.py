"""Nodes and initializers of ONNX graphs exchanged: a quantization made again with some of them left in fp32."""
