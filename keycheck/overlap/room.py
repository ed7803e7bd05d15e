"""How much is in flight at once: so many requests to each host, four in all."""

import threading

from keycheck.endpoints import AT_ONCE, Host


class Room:
    """Where there is none, one waits until another request has ended. `alone`: for what two may not do at once."""

    def __init__(self) -> None:
        self._places = {host: threading.Semaphore(most) for host, most in AT_ONCE.items()}
        self.alone = threading.Lock()

    def place(self, host: Host) -> threading.Semaphore:
        """To be held for the length of one request."""
        return self._places[host]
