"""`python -m tests.exchange`: a local exchange in the foreground, to try a live run."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from tests.exchange import SCENARIOS, LocalExchange


def main(arguments: list[str] | None = None) -> int:
    """Serves one scenario until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = _parser().parse_args(arguments)
    scenario = SCENARIOS[options.scenario]
    with LocalExchange(scenario) as exchange:
        lines = "".join(f"{name}={value}\n" for name, value in exchange.settings().items())
        print(f"Local exchange, scenario {scenario.name}: {scenario.description}")
        if options.env_file is None:
            print(f"\n{lines}")
        else:
            try:
                with options.env_file.open("x", encoding="utf-8") as file:
                    file.write(lines)
            except FileExistsError:
                print(f"{options.env_file} exists already and may hold a real key: name another file.")
                return 2
            print(f"Settings written to {options.env_file}")
        print("The key and secret are invented and open nothing. Stop with Ctrl-C.", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            if options.env_file is not None:
                options.env_file.unlink(missing_ok=True)
            print(f"\nStopped after {len(exchange.log)} requests, {len(exchange.real_orders)} of them real orders.")
    return 0


def _parser() -> argparse.ArgumentParser:
    listing = "\n".join(f"  {name:20} {scenario.description}" for name, scenario in SCENARIOS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.exchange",
        description="Serve a local exchange on 127.0.0.1.",
        epilog=f"scenarios:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scenario", choices=SCENARIOS, default="healthy", metavar="NAME")
    parser.add_argument("--env-file", type=Path, metavar="PATH", help="write the BINANCE_* lines to a new file")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
