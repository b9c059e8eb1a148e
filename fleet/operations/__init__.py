"""Operator verbs: each one function, used by the command line, the API and the embedded stack alike."""
