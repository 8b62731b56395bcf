"""What runs in AWS: three functions, the adapters to its services and the pure domain."""
