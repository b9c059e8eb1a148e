"""The runtime's side of `helpers.ports`: child executions, mail, files, DNS and service credentials."""
