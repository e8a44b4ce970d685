"""The nouns of medlab. Numpy and the standard library only; nothing here reads a file, runs a model or draws."""
