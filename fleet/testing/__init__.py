"""In-memory doubles of what the services talk to, and the suites that hold doubles and emulators to one behaviour."""
