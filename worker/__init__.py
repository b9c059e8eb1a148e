"""The FIFO consumer: queue → helper → result."""
