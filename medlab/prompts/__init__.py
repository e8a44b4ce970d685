"""Prompts: what one asks, as data. Packaged YAML in English and Chinese, each with its purpose, source and model."""
