"""One run, put together.

run.py              settings or cassette in, findings collected, verdict and reports out
open_session.py     opens the session: settings, key and network, or a cassette
host_facts.py       the facts about this machine that checks ask for
catalogue.py        the claims of suite/, read from their source
prefetch_plan.py    which questions a live run asks ahead of its checks, and when each may be asked
prefetcher.py       the threads that ask them
gather_evidence.py  what a session has seen so far, for a diagnosis
explain.py          what one check claims and sends
vocabulary.py       the suite's own words, which are nobody's secret
deferred_imports.py imports that a Ctrl-C does not tear apart
"""
