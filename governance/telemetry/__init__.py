"""What is told about decisions."""
