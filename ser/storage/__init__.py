"""How a model is stored: a folder that is written whole, and opened only if all in it is safe."""
