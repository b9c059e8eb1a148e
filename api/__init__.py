"""HTTP ingress: accepts executions, answers what became of them."""
