"""What the service layer and its callers share: commands, changes, errors, times and ids. It imports nothing else."""
