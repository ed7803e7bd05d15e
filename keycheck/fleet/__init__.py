"""The fleet: `keycheck fleet` tests the keys of many accounts, each from its own address, and writes one page.

    accounts.py    ACCOUNTS, a folder of NAME.env files or a TOML file -> accounts and their lanes
    driver.py      sends the jobs of each lane to its machine, a few at a time, and has each answer stored at once
    engine.py      the interface of an engine, which brings jobs to the machines of their lanes
    local.py       the engine for one machine: threads that wait for child processes
    dask.py        the engine of many machines, on Dask's scheduler and workers
    job.py         the job of one account: the function that a lane's machine runs, text in and text out
    job_command.py  runs that job in another program, for a worker that may not read the keys
    public_answers.py  shares public answers, such as the exchange's clock, between the runs of this machine
    answer.py      checks the answer that comes back from that machine
    out_folder.py  the folder of --out while a fleet runs: its lock, verdicts.jsonl as it grows, the reports
    progress.py    the line on the terminal
    results.py     reads verdicts.jsonl
    changes.py     compares with an earlier run; keeps the last known verdict of each account
    totals.py      counts of verdicts, causes and lanes, and fleet.json
    page.py        the merged page, index.html
    junit.py       the JUnit file
    merged.py      writes all files that are made from verdicts.jsonl
    notify.py      posts the changes to a URL
    command.py     the command `keycheck fleet`: reads its options, and runs a fleet from its start to its page

A lane is an address from which keys are tested. Credentials never travel: a job names an account, and the lane's
machine finds `NAME.env` in its own folder of keys.
"""
