"""Names the plugins, and nothing else."""

pytest_plugins = ["keycheck.importing", "keycheck.plugin"]
