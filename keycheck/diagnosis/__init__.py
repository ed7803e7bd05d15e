"""Why a key fails: the evidence of a run -> its likely causes, most likely first. Pure.

cause.py           the class Diagnosis, and the names of all causes
evidence_view.py   the questions that rules ask about the evidence
rules.py           applies all rules to a run's evidence; a run that is OK needs none
key.py             no key, a malformed key, a wrong secret, and -2015 and similar codes
account.py         permissions, the futures account, portfolio margin, withdrawals
contradictions.py  one answer accepts the key, another refuses it
refusal_codes.py   the codes that refuse a key
restrictions.py    an account that may not trade, for ever or for now
local_clock.py     a clock that is fast or slow
intermediaries.py  location, firewalls, rate limits, bans, and trouble at the exchange
network.py         no connection, no TLS, answers that are not Binance's
unproven_claims.py the contract, refused requests, checks that were not run, and claims that no other rule explains
remedies.py        menu paths and commands
examples.py        an example of each cause, for --explain
"""
