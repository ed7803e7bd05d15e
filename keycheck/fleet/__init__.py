"""The fleet: `keycheck fleet` tests the keys of many accounts, each from its own address, and writes one page.

    accounts.py    ACCOUNTS, a folder of NAME.env files or a TOML file -> accounts and their lanes
    job.py         the job of one account: the function that a lane's machine runs, text in and text out
    engine.py      what the driver needs of an engine; local.py is the engine of this machine
    local.py       runs the jobs on this machine, in threads that wait for child processes

A lane is an address from which accounts are asked. Credentials never travel: a job names an account, and the lane's
machine finds `NAME.env` in its own folder of keys.
"""
