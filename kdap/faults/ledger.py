"""What was asked and what was answered, in a file that no database can lose."""

import json
import threading
from collections import Counter
from dataclasses import asdict, dataclass, field

# begun: asked, nothing heard. done: acknowledged. refused: a clear no. dropped: no answer came,
# and nobody asked again; it may be there whole, or not at all.
STATES = ("begun", "done", "refused", "dropped")


@dataclass
class Operation:
    """One change that a client asked for.

    name: unique; it is written into the cells that the operation writes.
    kind: "write", "delete", "import" or "structure". entries: how many it writes, or the ids
    that it deletes. replayed: it was acknowledged only when asked again.
    """

    name: str
    kind: str
    record: str
    verb: str
    entries: object = 0
    state: str = "begun"
    replayed: bool = False
    answer: object = None
    tokens: list = field(default_factory=list)


class Ledger:
    """All operations, each line written before the call and again after its answer."""

    def __init__(self, path):
        self.file = open(path, "a", buffering=1)  # noqa: SIM115 - open as long as the ledger is
        self.lock = threading.Lock()
        self.operations = {}

    def write(self, operation):
        """Note how an operation stands now."""
        with self.lock:
            self.operations[operation.name] = operation
            self.file.write(json.dumps(asdict(operation)) + "\n")

    def count(self):
        """Return {state: how many operations}, and how many were acknowledged on repetition."""
        found = Counter(operation.state for operation in self.operations.values())
        found["repeated"] = sum(operation.replayed for operation in self.operations.values())
        return dict(found)

    def refusals(self):
        """Return {why: how many} of the operations that were refused."""
        answers = [
            item.answer or {} for item in self.operations.values() if item.state == "refused"
        ]
        return dict(Counter(answer.get("detail") or answer.get("error") for answer in answers))
