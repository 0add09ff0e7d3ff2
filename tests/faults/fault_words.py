"""What each fault class is, in the words of the table in docs/reliability.md."""

from network_faults import WORDS as NETWORK

WORDS = {
    "F1": "kill -9 at a labelled point of client or server",
    "F2": "kill -9 again while recovering",
    "F3": "kill -9 at the Nth system call",
    "F4": "the disk is full or broken at the Nth system call",
    "F5": "kill -9 at a random moment",
    "F6": "signals: SIGINT, SIGTERM, and the sequence of a cancelled job",
    **NETWORK,
}
