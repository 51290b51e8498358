"""What a step is: a small model that checks itself, says itself and does one thing.

The engine calls `run` with a Go. What a step returns is its output, JSON for later steps to refer
to. A step whose work lies inside the database is committed together with the row that says it is
done; one that acts outside (`outside`) is announced before and recorded after.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import Field

from automations import saying, templates
from automations.parts import Part
from records.lookup import find_record
from records.query import Query
from workspaces.errors import KdapError

STEPS = {}
MOST_ENTRIES = 1000
MOST_COMPARED = 50


def registered(kind):
    """Make a step known under its type."""
    STEPS[kind.model_fields["type"].default] = kind
    return kind


class Failed(KdapError):
    """A step did not work. With `again` it may work later and is tried again, if its step says so.

    `unknown` means that nobody can tell whether it took effect outside.
    """

    title = "This step failed"

    def __init__(self, detail, *, again=False, unknown=False, output=None):
        super().__init__(detail)
        self.again, self.unknown, self.output = again, unknown, output


class Unheard(Failed):
    """Nothing came in time; what the step changed in the database stays, though it failed."""


class Waits(Exception):
    """The run goes on later: at `until` (None: never by itself), or when somebody answers.

    `kind` is time, approval, condition, run or items; `asked` is kept as the step's input.
    """

    def __init__(self, kind, *, until=None, asked=None):
        super().__init__(kind)
        self.kind, self.until, self.asked = kind, until, asked or {}


class Stopped(Exception):
    """The run ends here, as it should."""

    def __init__(self, output=None):
        super().__init__("stopped")
        self.output = output


@dataclass
class Go:
    """A run at one step.

    `values` is what templates can refer to, `actor` who acts, `row` the WorkflowStep (its answer,
    attempts and what it waits for), `key` is the same at every attempt of this very step.
    `dry` is a test: outside effects are only told. `told` gathers what the `step` was given, as it
    was after rendering, for people to read.
    """

    run: Any
    actor: Any
    book: Any
    values: dict
    row: Any = None
    key: str = ""
    dry: bool = False
    step: Any = None
    told: dict = field(default_factory=dict)

    def render(self, value):
        """Return a literal or template with its references filled in; raises Invalid."""
        made = templates.render(value, self.values)
        options = vars(self.step).items() if self.step else ()
        name = next((name for name, given in options if given is value), None)
        if name and name not in self.step.untold:
            self.told[name] = made
        return made

    def compared(self, **parts):
        """Note two values that a condition compared, and what came of it."""
        known = self.told.setdefault("compared", [])
        if len(known) < MOST_COMPARED:
            known.append(parts)

    def record(self, id, action="write"):
        """Return the Record of that id if the actor may do `action` there."""
        record = find_record(self.actor, id, action)
        if record.workspace_id != self.run.workspace_id:
            raise Failed("This record is in another workspace.")
        return record


class Step(Part):
    """One step of a workflow.

    `id` is its name for other steps; `on_error` says whether the run fails with it or goes on;
    `retries` how often it is tried again when that may help, with growing pauses.
    """

    label: ClassVar[str]
    icon: ClassVar[str]
    help: ClassVar[str]  # what it does, for the people who pick it
    group: ClassVar[str] = "Data"
    outside: ClassVar[bool] = False
    seconds: ClassVar[int] = 60  # how long its worker may be silent while it is outside
    called: ClassVar[bool] = False  # whether it waits for a call of the run's address
    blocks: ClassVar[tuple] = ()  # names of the attributes that hold steps
    gives: ClassVar[dict] = {}  # of a step that a test only tells of: its output, empty
    untold: ClassVar[tuple] = ()  # options that its output tells already

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    name: str = Field(default="", max_length=120)
    on_error: Annotated[str, Field(pattern="^(stop|continue)$")] = "stop"
    retries: int = Field(default=0, ge=0, le=10)

    def run(self, go):
        """Do it; return the output. Raises Failed, Waits, Stopped or any KdapError."""
        raise NotImplementedError

    def repeatable(self):
        """Return whether a step that acts outside may be done again when nobody knows if it was."""
        return False

    def preview(self, go):
        """Return, for a test, what a step that acts outside would do."""
        raise NotImplementedError

    def rehearsed(self, output, sample):
        """Return what later steps find of a step that a test only told of: `output` with what
        `gives` names, as it was in the newest run (`sample`, {} for none) or empty.
        """
        if not self.gives:
            return output
        kept = {key: value for key, value in sample.items() if key not in output}
        origin = "as in the newest run" if kept else "empty, for it never ran"
        return {**self.gives, **kept, **output, "assumed": origin}

    def inside(self, output):
        """Return [(name, steps, more values)]: what to do after it, inside it."""
        return []

    def children(self):
        """Return [(pointer below this step, steps)] of all blocks."""
        return [(f"/{name}", getattr(self, name)) for name in self.blocks]

    def branches(self, book):
        """Return [(header, steps)] of its blocks as English has them.

        The header None stands for the block that follows the step's own sentence.
        """
        return [(None, steps) for _, steps in self.children()]

    def sentence(self, book):
        """Return what it does, beginning with a small letter: “add an entry to “Tasks””."""
        raise NotImplementedError

    def check(self, book, pointer):
        """Note in `book` what can't work, with pointers that begin with `pointer`."""

    def given(self):
        """Return what it was told, as JSON, without the steps inside."""
        return self.model_dump(mode="json", exclude={"id", "name", *self.blocks})


def walk(pointer, steps):
    """Yield (pointer, step) of some steps and of those inside them, in reading order."""
    for number, step in enumerate(steps):
        here = f"{pointer}/{number}"
        yield here, step
        for below, children in step.children():
            yield from walk(here + below, children)


@contextmanager
def telling(output):
    """Let what goes wrong in the block fail the step of a trial, with what it would have done."""
    try:
        yield
    except KdapError as error:
        raise Failed(error.detail, output=output) from error


def entries_as_json(record, ids):
    """Return the entries of those ids as dicts of field keys, as the API gives them, in order."""
    query = Query(record)
    keys = [field.key for field in query.fields]
    found = query.rows(limit=max(1, len(ids)), extra="entry_id = ANY(%s)", extra_params=[ids])
    rows = {row[0]: {"entry_id": row[0], **dict(zip(keys, row[2:], strict=True))} for row in found}
    return [rows[id] for id in ids if id in rows]


def said_values(book, record_id, values, word="="):
    """Return {key: template} as part of a sentence: “Name = “x” and Due = …”."""
    parts = [
        f"{saying.label(book, record_id, key)} {word} "
        f"{saying.cell(book, value, saying.field_of(book, record_id, key))}"
        for key, value in values.items()
    ]
    return saying.joined(parts)
