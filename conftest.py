"""Names the plugins, and nothing else."""

pytest_plugins = ["keycheck.withdrawal", "keycheck.plugin"]
