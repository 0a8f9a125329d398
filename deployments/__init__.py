"""What `prefect deploy` reads: deployments, work pools, images and automations. `docs/deploying.md` explains them."""
