"""The fleet: `keycheck fleet` tests the keys of many accounts, each from its own address, and writes one page.

    accounts.py    ACCOUNTS, a folder of NAME.env files or a TOML file -> accounts and their lanes
    job.py         the job of one account: the function that a lane's machine runs, text in and text out
    public_answers.py  the public answers that the runs of this machine hand on to one another
    answer.py      what comes back from that machine, checked
    engine.py      what brings jobs to the machines of their lanes; local.py is the engine of this machine alone
    local.py       threads that wait for child processes
    driver.py      hands out the accounts of each lane, a few at a time, and has each answer kept as it comes
    out_folder.py  the folder of --out while a fleet runs: its lock, verdicts.jsonl as it grows, the reports
    progress.py    the line on the terminal
    command.py     `keycheck fleet`: its options, and one fleet from its beginning to its page
    results.py     reads verdicts.jsonl

A lane is an address from which accounts are asked. Credentials never travel: a job names an account, and the lane's
machine finds `NAME.env` in its own folder of keys.
"""
