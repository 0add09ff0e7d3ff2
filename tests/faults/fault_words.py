"""What each fault class is, in the words of the table in docs/reliability.md."""

from network_faults import WORDS as NETWORK

WORDS = {
    "F1": "kill -9 at a labelled point of client or server",
    "F2": "kill -9 again while recovering",
    "F3": "kill -9 at the Nth system call",
    "F4": "the disk is full or broken at the Nth system call",
    "F5": "kill -9 at a random moment",
    "F6": "signals: SIGINT, SIGTERM, and the sequence of a cancelled job",
    "F9": "power loss under the client's daybook",
    **NETWORK,
    "T": "time between a lost answer and the next run",
    "clock": "clocks of client and server that lie",
    "X1": "the same plan twice at once",
    "X2": "two commits at once",
    "X3": "apply and destroy at once",
    "X4": "a stopped holder whose lock was broken",
    "X5": "the lock of a dead process",
    "X6": "a change by hand between plan and apply",
    "X7": "transferred between check and cancel",
    "X8": "a period closed between cancel and create",
    "X9": "two daybooks on one tenant",
    "X10": "eight writers with one key",
    "X11": "a finder that lags",
    "history": "clients at random, against a model",
    "simulation": "everything in any order, from a seed",
}
