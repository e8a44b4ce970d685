"""Records to and from the browser: panels whose every click can be read back as a record that one could have typed."""
