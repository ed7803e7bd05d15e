"""Why a key fails: the evidence of a run -> its likely causes, most likely first. Pure.

cause.py           what a diagnosis is, and the causes by name
evidence_view.py   the evidence, as the rules ask for it
rules.py           applies all rules to a run's evidence; a run that is OK needs none
key.py             no key, a malformed one, a wrong secret, -2015 and its like
account.py         permissions, the futures account, portfolio margin, withdrawals
contradictions.py  one answer accepts the key, another refuses it
refusal_codes.py   the codes that refuse a key
restrictions.py    an account that may not trade, or not now
local_clock.py     a clock that is fast or slow
intermediaries.py  legal restrictions, firewalls, limits, bans, trouble of the exchange
network.py         no connection, no TLS, answers that are not Binance's
unproven_claims.py the contract, a request that was refused, checks that were not run, and what nothing else names
remedies.py        menu paths and commands
"""
