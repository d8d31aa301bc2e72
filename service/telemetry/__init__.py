"""What is counted, timed and logged, and what is compared with a shadow version."""
