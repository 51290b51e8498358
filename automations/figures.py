"""What the runs of workflows come to: how many of which kind, how often they fail, the last ones."""

import datetime as dt
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from automations.models import WorkflowRun
from automations.quotas import first_id

DAYS = 7
BARS = 24

# Each workflow's last runs by its own index, however many it has.
LAST = """
SELECT r.workflow_id, r.run_id, r.status, r.triggered_at,
    extract(epoch FROM r.finished_at - r.started_at)::float
FROM unnest(%s::uuid[]) AS w (id) CROSS JOIN LATERAL (
    SELECT * FROM workflow_runs WHERE workflow_id = w.id AND position IS NULL
    ORDER BY run_id DESC LIMIT %s) AS r
ORDER BY r.run_id
"""


@dataclass
class Bar:
    """One run as a small bar: `height` from 1 to 5 tells how long it took beside its neighbours."""

    id: UUID
    status: str
    triggered_at: dt.datetime
    seconds: float | None
    height: int = 1


@dataclass
class Figures:
    """A workflow's runs of the last days by status, and its last runs as bars, oldest first."""

    counts: dict = field(default_factory=dict)
    bars: list = field(default_factory=list)

    @property
    def total(self):
        return sum(self.counts.values())

    @property
    def succeeded(self):
        return self.counts.get("succeeded", 0)

    @property
    def failed(self):
        return self.counts.get("failed", 0)

    @property
    def going(self):
        """How many are not over yet."""
        return sum(self.counts.get(key, 0) for key in ("pending", "running", "waiting"))

    @property
    def said(self):
        """The last runs in words, for who can't see the bars."""
        statuses = [bar.status for bar in self.bars]
        return ", ".join(f"{statuses.count(s)} {s}" for s in dict.fromkeys(statuses))

    @property
    def rate(self):
        """Per cent of those that came to an end that failed; None while none did."""
        over = self.succeeded + self.failed
        return round(100 * self.failed / over) if over else None


def figures_of(workspace_id, ids):
    """Return {workflow id: Figures} of workflows in a workspace."""
    made = {id: Figures() for id in ids}
    since = first_id(timezone.now() - dt.timedelta(days=DAYS))
    runs = WorkflowRun.objects.filter(
        workspace=workspace_id, workflow__in=list(ids), id__gte=since, position=None
    )
    for row in runs.order_by().values("workflow_id", "status").annotate(n=Count("id")):
        made[row["workflow_id"]].counts[row["status"]] = row["n"]
    with connection.cursor() as cursor:
        cursor.execute(LAST, [list(ids), BARS])
        for workflow_id, *rest in cursor.fetchall():
            made[workflow_id].bars.append(Bar(*rest))
    for found in made.values():
        _measure(found.bars)
    return made


def _measure(bars):
    longest = max((bar.seconds or 0 for bar in bars), default=0)
    for bar in bars:
        bar.height = 1 + round(4 * (bar.seconds or 0) / longest) if longest else 1
