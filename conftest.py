"""Names the plugin, and nothing else."""

pytest_plugins = ["keycheck.plugin"]
