"""What is published about the helpers: config schemas and the catalogue page, both generated from the classes.

`python -m helpers.catalogue` renews both files, `python -m helpers.catalogue --check` tells whether they are fresh.
"""
