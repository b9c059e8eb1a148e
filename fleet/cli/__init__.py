"""The command line `mfh`: one file for each noun; the verbs are in `fleet.operations`."""
