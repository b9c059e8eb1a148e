"""``python -m worker``: everything comes from the environment."""

from fleet.service import run_service
from worker.service import serve
from worker.settings import WorkerSettings

if __name__ == "__main__":
    run_service("worker", WorkerSettings, serve)
