"""Is this Binance API key fit to trade USD-M futures from this machine?

The road from that question to its answer, in the order it is walked:

    settings.py      .env and environment -> Settings, the only reader of os.environ; settings_file.py reads the files,
                     setting_values.py the values
    bounded.py       opens the files that settings and options name, without waiting or reading on for ever
    hosts.py         a host -> Binance's own, this machine's, or another's (pure)
    credentials.py   pasted text -> key and secret, with what had to be cleaned off
    secrets.py       a value that does not print itself
    signing.py       query, secret -> signed query (pure)
    private_key.py   PEM -> signer, for Ed25519 and RSA; pem.py tells of a PEM what needs no opening (pure)
    endpoints.py     the only requests that may leave this machine
    network/         the only package that opens a connection
    answers.py       bytes -> JSON, a coded refusal, or a named reason why neither (pure); codes.py sorts the codes,
                     refusal_text.py says what is told of their texts
    clock.py         the only reader of the time; drift.py weighs what it read (pure)
    budget.py        used weight -> how long to wait (pure); waiting.py does the waiting
    channel.py       how a question is put: stamped, signed, sent, perhaps once more
    binance.py       the session that the checks share: facts out, or a named reason why there are none
    overlap/         has each question asked once, and in a live run ahead of the checks, several at a time
    facts.py         Binance's JSON -> what the checks ask about (pure); permissions.py, trading_rules.py, orders.py and
                     user_stream.py beside it
    machine.py       this machine's files and clock, by the word of git and of the operating system
    findings.py      what a check found; verdict.py weighs all of it (pure)
    diagnosis/       the evidence of a run -> why it ended so, the likeliest cause first (pure)
    comparison.py    an earlier verdict beside this one (pure); earlier.py reads it
    report/          verdict -> verdict.json, report.html, summary.md, terminal text
    cassettes.py     recording and replay; label.py and scrubbing.py say what is kept (pure)
    redaction.py     takes secrets and addresses out of text (pure); unpacking.py undoes encodings, vocabulary.py holds
                     the suite's own words
    catalogue.py     the claims of suite/, read from their source; explaining.py tells one of them
    opening.py       how a session is opened: settings, key and network, or a cassette
    run.py           one run, put together
    plugin/          pytest glue: it translates, it decides nothing; withdrawal.py comes before it and takes the last
                     verdict away; importing.py guards its imports
"""

__version__ = "0.1.0"
