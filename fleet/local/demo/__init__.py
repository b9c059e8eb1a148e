"""The demo: an account with stored helpers and 300 contacts, and a run of 1,000 executions over them."""
