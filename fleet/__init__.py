"""The shared runtime of router, worker, api and the command line."""
