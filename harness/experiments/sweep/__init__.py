"""Settings sweep: at which sampling settings a voice is safe."""
