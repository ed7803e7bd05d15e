"""The facts about this machine that checks ask for: each method returns a fact, or raises the reason why not."""

from keycheck.clock import Journal
from keycheck.errors import NotApplicable, Undecided
from keycheck.host_checks import NO_FILE, NOT_TOLD, SYNCED, UNSYNCED, HostChecks


class HostFacts:
    """The facts that the operating system and git know about this machine; in a replay, the recorded facts."""

    def __init__(self, host: HostChecks, journal: Journal) -> None:
        self._host = host
        self._journal = journal

    def clock_is_synchronised(self) -> bool:
        """Whether the operating system sets its clock over the network. Raises NotApplicable if it cannot say."""
        answer = self._journal.remember("machine/clock", self._host.clock)
        if answer not in ([SYNCED], [UNSYNCED]):
            raise NotApplicable("the operating system cannot be asked about its clock here, as in most containers")
        return answer == [SYNCED]

    def open_files(self) -> tuple[str, ...]:
        """One sentence for each way in which somebody else can read a file that holds the credentials.

        Raises NotApplicable if no file holds them, Undecided if git could not be asked.
        """
        remarks = self._journal.remember("machine/files", self._host.open_files)
        if remarks == [NO_FILE]:
            raise NotApplicable("the credentials come from the environment, and no file holds them")
        if any(NOT_TOLD in remark for remark in remarks):
            raise Undecided("; ".join(remarks))
        return tuple(remarks)
