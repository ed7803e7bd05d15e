"""The cost of a run of the suite: time, memory, requests, connections. `python -m benchmarks` measures and prints.

process.py   one command, timed to its end
peak.py      runs inside the measured process, and leaves its peak memory behind
caller.py    runs inside a program that calls keycheck.check, and leaves behind what that saw
runs.py      the runs: one trivial test, the suite offline, the suite against a local exchange
rivals/      the same seven steps with other libraries
measure.py   the runs by turns and one by one -> figures
figures.py   figure / measured / limit / met (pure)
"""
