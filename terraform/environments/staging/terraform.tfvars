# images: from the deployment, -var-file=images.auto.tfvars.json
helper_overrides = {
  tag_it  = { dedicated = true }
  hook_it = { dedicated = true }
}
