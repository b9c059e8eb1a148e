# images: from the deployment, -var-file=images.auto.tfvars.json
pool = {
  memory    = 1024
  min_tasks = 1
  max_tasks = 8
}

helper_overrides = {
  tag_it    = { dedicated = true, min_tasks = 1, max_tasks = 20 }
  format_it = { dedicated = true, min_tasks = 1, max_tasks = 10 }
  hook_it   = { dedicated = true, min_tasks = 1, max_tasks = 20, concurrency = 50 }
  chain_it  = { dedicated = true, min_tasks = 1, max_tasks = 10 }
}
