"""Is a map to be believed? Maps are scored against known lesions, made to fail, and given a verdict in one line."""
