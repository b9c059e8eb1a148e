"""Rules that several helpers share, each once: text form, emptiness, numbers, dates, templates, egress."""
