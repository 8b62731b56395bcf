"""One normalised model of a stack, whatever form of Terraform JSON it was written in."""
