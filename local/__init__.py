"""The pipeline on this machine: an embedded AWS, the real Terraform, and the demo."""
