"""What is trained on: found or downloaded, verified, split by seed; knows nothing of networks."""
