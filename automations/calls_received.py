"""The triggers that other programs and other workflows pull."""

from typing import ClassVar, Literal
from uuid import UUID

from automations.triggers import Trigger, registered


@registered
class WebhookReceived(Trigger):
    """Another program calls the workflow's secret address.

    With `signed` the call must carry a signature (HMAC-SHA256 over id, time and body) by the
    workflow's secret, not older than five minutes. `answer` is what the caller gets: 202 at once,
    or the run's result, for which it waits up to 25 seconds.
    """

    label, icon = "A webhook is received", "webhook"
    brings: ClassVar[dict] = {"body": None, "headers": None, "query": None}
    help = (
        "Another program calls the workflow's secret address. It can be asked to sign its "
        "calls, and gets an answer at once or with the result."
    )
    type: Literal["webhook"] = "webhook"
    signed: bool = False
    answer: Literal["at_once", "result"] = "at_once"

    def sentence(self, book):
        said = "when its webhook is called" + (" with a valid signature" if self.signed else "")
        return said if self.answer == "at_once" else f"{said} (the caller waits for the result)"


@registered
class RunFailed(Trigger):
    """A run of another workflow, or of any other, fails."""

    label, icon = "A run fails", "alert-triangle"
    brings: ClassVar[dict] = {"run": None, "workflow": None, "error": "", "trigger": None}
    help = "A run of another workflow fails."
    type: Literal["run_failed"] = "run_failed"
    workflow: UUID | None = None

    def sentence(self, book):
        which = (
            f"the workflow {book.workflow_name(self.workflow)}" if self.workflow else "any workflow"
        )
        return f"when a run of {which} fails"


@registered
class Called(Trigger):
    """Another workflow calls this one, with an input."""

    label, icon, brings = "Another workflow calls it", "arrow-ramp-right", {"caller": None}
    help = "Another workflow runs this one and hands it an input."
    type: Literal["called"] = "called"

    def sentence(self, book):
        return "when another workflow calls it"
