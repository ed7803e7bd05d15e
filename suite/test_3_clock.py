"""Step 3: this machine's clock against the exchange's."""

import pytest

from keycheck.exchange.session import Binance
from keycheck.plugin import Observe
from keycheck.run.host_facts import HostFacts


@pytest.mark.critical
@pytest.mark.needs("futures_api_answers")
def test_clock_agrees_with_exchange(binance: Binance, observe: Observe) -> None:
    """The local clock is within 2000 ms of the exchange's.

    Every signed request carries the time it was made. This suite corrects its own stamps, most bots do not, and
    Binance refuses stamps that are too old or from the future with -1021.

    Fix: let the system set its clock. Linux: sudo timedatectl set-ntp true. Windows: w32tm /resync as administrator.
    macOS: sudo sntp -sS time.apple.com. In a container or virtual machine, do it on the host.
    """
    drift = binance.drift()
    observe(str(drift), driftMs=drift.ms)
    observe(driftOk=drift.agrees())
    assert drift.agrees()


@pytest.mark.informational
@pytest.mark.needs("futures_api_answers")
def test_clock_is_inside_signing_window(binance: Binance, observe: Observe) -> None:
    """A stamp of the local clock is one that Binance accepts: under 1000 ms ahead, and no older than recvWindow.

    A clock 1500 ms fast is close enough to look right, and still has every order of every bot on this machine refused
    with -1021, since Binance accepts no stamp from 1000 ms or more in its future.

    Fix: set the clock as for clock_agrees_with_exchange; where it cannot be set, have the bot correct its stamps by
    the offset to GET /fapi/v1/time, or give a slow network a longer BINANCE_RECV_WINDOW.
    """
    drift = binance.drift()
    observe(f"{drift}; recvWindow is {binance.recv_window} ms")
    assert drift.inside_signing_window(binance.recv_window)


@pytest.mark.informational
def test_clock_is_synchronised(host: HostFacts, observe: Observe) -> None:
    """The operating system synchronises its clock over the network.

    A clock that is right today but never synchronised drifts by seconds a week, until one morning every order is
    refused with -1021.

    Fix: Linux: sudo timedatectl set-ntp true, or install chrony. Windows: start the Windows Time service (net start
    w32time) and set it to start automatically. macOS: System Settings > General > Date & Time > Set automatically.
    """
    synchronised = host.clock_is_synchronised()
    observe(
        f"the operating system says that its clock is {'' if synchronised else 'not '}synchronised over the network"
    )
    assert synchronised
