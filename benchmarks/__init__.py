"""The cost of a run of the suite: time, memory, requests, connections. `python -m benchmarks` measures and prints.

process.py   one command, timed to its end
peak.py      runs inside the measured process, and writes its peak memory to a file
caller.py    a program that calls keycheck.check, and writes what it measured to a file
endpoint.py  the cost of `keycheck serve`
fleet.py     the cost of `keycheck fleet`
driver.py    a fleet whose runs are stubs
runs.py      the runs: one trivial test, the suite offline, the suite against a local exchange
rivals/      the same seven steps with other libraries
measure.py   the runs, in turns and one by one -> figures
figures.py   figure / measured / limit / met (pure)
"""
