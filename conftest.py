"""Names the plugins, and nothing else."""

pytest_plugins = ["keycheck.garbage", "keycheck.plugin"]
