"""Is this Binance API key fit to trade USD-M futures from this machine?

The road from that question to its answer, in the order it is walked:

    settings.py      .env and environment -> Settings, the only reader of os.environ
    credentials.py   pasted text -> key and secret, with what had to be cleaned off
    secrets.py       a value that does not print itself
    signing.py       query, secret -> signed query (pure)
    endpoints.py     the only requests that may leave this machine
    transport.py     the only module that opens a connection
    clock.py         the only reader of the time; drift.py weighs what it read (pure)
    binance.py       the signed session the checks share: facts out, or a named reason why not
    facts.py         Binance's JSON -> what the checks ask about (pure); codes.py and orders.py beside it
    findings.py      what a check found; verdict.py weighs all of it (pure)
    report/          verdict -> verdict.json, report.html, terminal text
    cassettes.py     recording and replay; scrubbing.py says what may be kept (pure)
    catalogue.py     the claims of suite/, read from their source
    plugin.py        pytest glue: it translates, it decides nothing
"""

__version__ = "0.1.0"
