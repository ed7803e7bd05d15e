"""One run: composes the other packages.

run.py              settings or cassette in, findings collected, verdict and reports out
open_session.py     opens the session: settings, key and network, or a cassette
host_facts.py       the facts about this machine that checks ask for
catalogue.py        the claims of suite/, read from their source
prefetch_plan.py    the questions that a live run asks before its checks do, and when each may be asked
prefetcher.py       the threads that ask these questions
gather_evidence.py  collects a session's answers so far, for a diagnosis
explain.py          explains one check, its claim and its requests, or one cause
vocabulary.py       the words that all reports contain, whatever the key is
deferred_imports.py protects imports during a run from Ctrl-C
"""
