"""Requests to Binance, and the meaning of its answers.

endpoints.py   the only requests that may leave this machine
session.py     class Binance: the facts that checks ask for, each asked once in a run
memo.py        remembers answers, and which requests they depend on; explains how all threads work together
api_client.py  stamps, signs and sends one request, and keeps a record of it
answers.py     bytes -> JSON, a coded refusal, or an error that says why it is neither (pure)
error_codes.py the meaning of Binance's codes (pure); refusal_text.py: the part of Binance's text that may be shown
facts.py       Binance's JSON -> values (pure); beside it permissions.py, account_setup.py, orders.py,
               quantitative_rules.py, drift.py and user_stream.py
rate_limit.py  used weight -> how long to wait (pure); throttle.py waits; weight.py: the weight of other programs (pure)
shared_answers.py  public answers that a run hands on to later runs of its address, and when a run doubts them
evidence.py    a record of each request, and all evidence for a diagnosis (pure)
hosts.py       a host -> Binance's own, this machine's, or another's (pure)
"""
