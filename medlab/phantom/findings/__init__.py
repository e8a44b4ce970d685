"""One file per family of findings. Each painter changes a scene and returns the mask of what it drew."""
