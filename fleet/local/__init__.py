"""The embedded stack: emulator, router, pool worker and api as child processes on loopback; no Docker, no AWS."""
