"""The step that runs a few lines of Python in a process that can reach nothing."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from automations import checking, sandbox, saying
from automations.steps.base import Failed, Step, registered


@registered
class RunCode(Step):
    """Run Python: `input` is what the code finds under that name, `result` what it gives.

    It has no network, no files and little time. Machines without protection refuse it.
    """

    label, icon, group = "Run Python", "code", "Flow"
    help = (
        "Run a few lines of Python on values of the run. It has no network, no files and "
        "little time, and needs a machine that can shut it in."
    )
    # It runs outside the transaction, but changes nothing there.
    outside: ClassVar[bool] = True
    type: Literal["code"] = "code"
    code: Annotated[str, Field(min_length=1, max_length=50_000)]
    input: dict[str, Any] = Field(default={}, max_length=100)

    def run(self, go):
        try:
            made = sandbox.run(self.code, go.render(self.input))
        except sandbox.CodeFailed as error:
            raise Failed(error.detail, output={"prints": getattr(error, "prints", "")}) from error
        return {"result": made.result, "prints": made.prints, "seconds": made.seconds}

    def repeatable(self):
        return True

    def preview(self, go):
        return self.run(go)

    def sentence(self, book):
        said = f"run the Python {saying.quoted(self.code)}"
        return f"{said} with {saying.named(book, self.input)}" if self.input else said

    def check(self, book, pointer):
        checking.check_python(book, self.code, f"{pointer}/code")
        if reason := sandbox.why_missing():
            book.wrong(pointer, reason)
