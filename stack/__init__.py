"""What is deployed, and how it is named and configured."""
