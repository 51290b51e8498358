"""The clients whose changes take long: files that are imported, structures that change."""

import io
import time

from kdap.faults.clients import PAUSE, Client

OVER = ("done", "failed", "cancelled")
JOB_SECONDS = 240
MOST_STARTS = 8


class Mover(Client):
    """A client that waits for work in the background."""

    def watch(self, url, states):
        """Return the job once it is in one of `states`."""
        deadline = time.monotonic() + JOB_SECONDS
        while True:
            job = self.api.until_known("GET", url)[1]
            if job["state"] in states:
                return job
            if time.monotonic() > deadline:
                raise TimeoutError(f"a job is {job['state']} for ever: {job}")
            time.sleep(0.1)


class Importer(Mover):
    """Imports one file after the other; opens again what failed."""

    name_of_record = "Warehouse"
    sizes = (300, 20_000, 20_000, 160_000)  # the last one is read in the background

    def work(self):
        """Import one file, into the record or as a new one."""
        anew = self.chance.random() < 0.3
        operation = self.operation("import", "new" if anew else "append")
        operation.entries = self.chance.choice(self.sizes)
        operation.tokens = [operation.name] if anew else []
        self.ledger.write(operation)
        job = self.bring(operation, anew)
        operation.state = "done" if job["state"] == "done" else "refused"
        operation.answer = {"job": job["id"], "state": job["state"], "error": job["error"]}
        if anew:
            operation.record = job["record_id"]
        if operation.state == "refused" and not job["error"]:
            self.surprises.append(f"{operation.name} ended without a sentence: {job}")
        self.ledger.write(operation)

    def bring(self, operation, anew):
        """Upload, start and watch; return the job as it ended."""
        where = f"workspaces/{self.workspace_id}" if anew else f"records/{self.record_id}"
        file = (f"{operation.name}.csv", table(operation.name, operation.entries))
        job = self.step(operation, "upload", f"{where}/imports/", file=file)
        url = f"imports/{job['id']}/"
        for number in range(MOST_STARTS):
            if number:
                self.step(operation, f"reopen-{number}", f"{url}reopen/")
            job = self.watch(url, ("ready", *OVER))
            if job["state"] != "ready":  # whoever read the file died of us
                continue
            self.step(operation, f"start-{number}", f"{url}start/", {})
            operation.replayed = operation.replayed or bool(number)
            if self.chance.random() < 0.1:
                self.step(operation, f"cancel-{number}", f"{url}cancel/")
            job = self.watch(url, OVER)
            if job["state"] == "done":
                break
        return job

    def step(self, operation, name, path, body=None, **more):
        """Make one of the calls of an import; each may be repeated."""
        status, data = self.api.until_known(
            "POST", path, body, key=f"{operation.name}-{name}", **more
        )
        if status >= 300:
            self.surprises.append(f"{operation.name}, {name}: {status} {data}")
        return data


def table(name, rows):
    """Return a CSV file of `rows` lines, each with the name of the operation in it."""
    text = io.StringIO("token,n,note\n")
    text.seek(0, io.SEEK_END)
    for number in range(rows):
        text.write(f"{name}/{number},{number},{name}\n")
    return text.getvalue().encode()


class Architect(Mover):
    """Changes the structure of a record with many entries, and of a record that others write to."""

    name_of_record = "Ledger"

    def __init__(self, *args, others=(), size=20_000, **more):
        super().__init__(*args, **more)
        self.others, self.size = list(others), size
        self.kind, self.extra, self.shelved = "integer", {}, {}
        for part in range(0, size, 10_000):
            operation = self.operation("write", "seed", 10_000)
            rows = [{"n": part + n, "note": operation.name} for n in range(10_000)]
            self.ask(operation, "POST", f"records/{self.record_id}/entries/", rows)

    def work(self):
        """Make one change."""
        verb = self.chance.choice([self.convert, self.convert, self.add, self.delete, self.restore])
        verb(self.chance.choice([self.record_id, *self.others]))
        time.sleep(PAUSE * 5)

    def convert(self, _record):
        """Turn the numbers into text, or the text into numbers."""
        kind = "text" if self.kind == "integer" else "integer"
        change = {"op": "change_field", "field": "n", "type": kind}
        if self.change(self.record_id, "convert", change):
            self.kind = kind

    def add(self, record):
        """Add a field, with a default or without."""
        default = self.chance.choice([None, 7])
        field = {"label": "Extra", "type": "integer", "default": default}
        made = self.change(record, "add", {"op": "add_field", "field": field})
        if made:
            self.extra.setdefault(record, []).append(made["fields"][-1]["id"])

    def delete(self, record):
        """Delete a field that was added before."""
        if self.extra.get(record):
            field = self.extra[record].pop()
            if self.change(record, "delete", {"op": "delete_field", "field": field}):
                self.shelved.setdefault(record, []).append(field)
            else:
                self.extra[record].append(field)

    def restore(self, record):
        """Bring a deleted field back."""
        if self.shelved.get(record):
            field = self.shelved[record].pop()
            if self.change(record, "restore", {"op": "restore_field", "field": field}):
                self.extra.setdefault(record, []).append(field)
            else:
                self.shelved[record].append(field)

    def change(self, record, verb, change):
        """Ask for one change of a structure; return the new structure, None when refused."""
        operation = self.operation("structure", verb, 1, record)
        body = {"changes": [change], "confirm": True}
        url = f"records/{record}/structure/"
        answer = self.ask(operation, "PATCH", url, body)
        if answer is None or "state" not in answer:
            return answer
        job = self.watch(f"structure-jobs/{answer['id']}/", OVER)  # too long for one call
        if job["state"] != "done":
            if not job["error"]:
                self.surprises.append(f"{operation.name} ended without a sentence: {job}")
            operation.state, operation.answer = "refused", job
            self.ledger.write(operation)
            return None
        return self.api.until_known("GET", url)[1]
