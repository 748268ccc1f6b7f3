"""Workers and scorers on the nodes of a Ray cluster; Ray is imported where one is asked for, and nowhere else."""
