"""What a run of the suite costs: time, memory, requests, connections. `python -m benchmarks` measures and prints.

process.py   one command, timed to its end
peak.py      runs inside the measured process, and leaves its peak memory behind
rounds.py    the rounds: a trivial test, a replay, a live run with latency; then again
figures.py   figure / measured / limit / met (pure)
"""
