"""Requests to Binance, and the meaning of its answers.

endpoints.py   the only requests that may leave this machine
session.py     Binance: what the checks ask, each question once a run
memo.py        remembers answers, and which requests they rest on; its theory of operation covers all threads
api_client.py  stamps, signs and sends one request, and keeps a record of it
answers.py     bytes -> JSON, a coded refusal, or a named reason why neither (pure)
error_codes.py what Binance's codes say about a key (pure); refusal_text.py has the words that are shown for them
facts.py       Binance's JSON -> values (pure); beside it permissions.py, account_setup.py, orders.py,
               quantitative_rules.py, drift.py and user_stream.py
rate_limit.py  used weight -> how long to wait (pure); throttle.py waits; weight.py: what others use of it (pure)
evidence.py    a record of each request, and all that a diagnosis may weigh (pure)
hosts.py       a host -> Binance's own, this machine's, or another's (pure)
"""
