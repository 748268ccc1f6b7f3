"""A speech server on this machine's own loopback, and many clients at once to load one."""
