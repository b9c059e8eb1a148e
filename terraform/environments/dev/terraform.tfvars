# images: from the deployment, -var-file=images.auto.tfvars.json
pool = {
  spot = true
}
