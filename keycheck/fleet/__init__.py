"""The fleet: `keycheck fleet` tests the keys of many accounts, each from its own address, and writes one page.

    accounts.py    ACCOUNTS, a folder of NAME.env files or a TOML file -> accounts and their lanes
    driver.py      hands out the accounts of each lane, a few at a time, and has each answer kept as it comes
    engine.py      what brings jobs to the machines of their lanes; local.py is the engine of this machine alone
    local.py       threads that wait for child processes
    dask.py        the engine of many machines, on Dask's scheduler and workers
    job.py         the job of one account: the function that a lane's machine runs, text in and text out
    job_command.py  that job in another program, for a worker that may not read the keys
    public_answers.py  the public answers that the runs of this machine hand on to one another
    answer.py      what comes back from that machine, checked
    out_folder.py  the folder of --out while a fleet runs: its lock, verdicts.jsonl as it grows, the reports
    progress.py    the line on the terminal
    results.py     reads verdicts.jsonl
    changes.py     what changed since an earlier run; keeps the last known verdict of each account
    totals.py      counts of verdicts, causes and lanes, and fleet.json
    page.py        the merged page, index.html
    junit.py       the JUnit file
    merged.py      writes all that is made of verdicts.jsonl
    notify.py      posts what changed to a URL
    command.py     `keycheck fleet`: its options, and one fleet from its beginning to its page

A lane is an address from which accounts are asked. Credentials never travel: a job names an account, and the lane's
machine finds `NAME.env` in its own folder of keys.
"""
