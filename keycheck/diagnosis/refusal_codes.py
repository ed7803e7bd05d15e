"""The codes with which Binance refuses a key, by meaning. Pure."""

SIGNATURE = -1022  # the signature is not valid for this key
ADDRESS = -1011  # "This IP cannot access this route."
FORMAT = -2014  # not in the form of a key
UNKNOWN = -2008  # a key that Binance does not know
LOCKED = -2017  # "API Keys are locked on this account."
KEY_TYPE = frozenset({-4056, -4057})  # invalid type, invalid public key
AMBIGUOUS = frozenset({-2015, -1002, -1099})  # unknown, wrong address or not permitted: one text for all of them
# A refusal with one of these contradicts an earlier answer that accepted the same key and signature.
DENIALS = KEY_TYPE | {SIGNATURE, ADDRESS, FORMAT, UNKNOWN}
