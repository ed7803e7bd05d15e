"""The fleet: `keycheck fleet` tests the keys of many accounts, each from its own address, and writes one page.

results.py     reads verdicts.jsonl
changes.py     what changed since an earlier run; keeps the last known verdict of each account
totals.py      counts of verdicts, causes and lanes, and fleet.json
page.py        the merged page, index.html
junit.py       the JUnit file
merged.py      writes all that is made of verdicts.jsonl
notify.py      posts what changed to a URL
"""
