"""Judging what a model handed over: by the same schema and checks as publishing, in rounds.

A draft that can't work goes back with what is wrong with it, each problem with its place. After
the third wrong answer the task fails with a sentence that lists what was still wrong.
"""

import re

import orjson
from django.utils import timezone

from automations import definition as definitions
from automations.agents.drafting_tools import DRAFTING, LONGEST_QUESTION, LONGEST_TITLE
from automations.parts import Book
from workspaces.errors import KdapError

ROUNDS = 3
MOST_TOLD = 20
LONGEST_SHOWN = 300
PROSE = "prose"  # what stands for a call where a model only talked
FENCED = re.compile(r"```(?:json)?\s*(\{.*\})\s*```", re.S)
BLOCK = re.compile(r"/(?:steps|then|otherwise|approved|rejected|cases)/(\d+)")
AGAIN = "It can't be taken yet. Put this right and hand over the whole workflow again."
TALKED = "Answer with a call of draft_workflow or ask_person, not with a text."
ONE = "One call is enough; the first was looked at."


def judged(task, rounds=ROUNDS):
    """Look at what the model of a drafting task answered; return how the task ends, or None.

    None means that there is nothing to look at, or that the model is to be asked again: then what is
    wrong stands in the task for it. `rounds` is how often it may be asked at all. The caller acts in
    the person's name and saves the task.
    """
    if not task.calls:
        return None
    calls = [call for call in task.calls if call["tool"] in DRAFTING or call["tool"] == PROSE]
    first, problems = (calls or task.calls)[0], None
    arguments = _arguments(first)
    if first["tool"] == "ask_person" and (question := _text(arguments, "question")):
        return {"status": "succeeded", "output": {"question": question[:LONGEST_QUESTION]}}
    if first["tool"] == PROSE and "definition" not in arguments:
        problems = [{"pointer": "", "detail": TALKED}]
    elif first["tool"] != "ask_person":
        made, problems = checked(arguments.get("definition"), task.workspace_id)
        if not problems:
            title = " ".join(_text(arguments, "title").split())[:LONGEST_TITLE]
            return {"status": "succeeded", "output": {"title": title, "definition": made}}
    problems = problems or [{"pointer": "/question", "detail": "Say what you want to know."}]
    if task.steps >= rounds:
        return {"status": "failed", "error": _given_up(first, problems, task.steps)}
    _send_back(task, first, problems)
    return None


def checked(data, workspace_id):
    """Return (definition as it is kept, []) of JSON, or (None, what keeps it from working)."""
    if isinstance(data, str):  # JSON inside JSON
        try:
            data = orjson.loads(data)
        except orjson.JSONDecodeError:
            data = None
    if not isinstance(data, dict):
        return None, [{"pointer": "", "detail": "A definition is a JSON object."}]
    try:
        made = definitions.parse(data)
        book = Book(workspace_id)
        problems = definitions.problems_of(made, workspace_id, book)
        if not problems:
            made.sentence(Book(workspace_id))  # what can't be said, nobody could read
    except KdapError as error:
        problems = error.problems or [{"pointer": "", "detail": error.detail}]
    except RecursionError:
        problems = [{"pointer": "", "detail": "Steps are nested too deep."}]
    return (None, problems) if problems else (made.model_dump(mode="json"), [])


def prose_call(text):
    """Return a call that stands for an answer in prose; JSON in it counts as the draft."""
    found = FENCED.search(text)
    try:
        data = orjson.loads(found[1] if found else text)
    except orjson.JSONDecodeError:
        return {"id": PROSE, "tool": PROSE, "arguments": {"said": text[:LONGEST_SHOWN]}}
    arguments = data if isinstance(data, dict) else {"said": text[:LONGEST_SHOWN]}
    if "trigger" in arguments:
        arguments = {"definition": arguments}
    if "question" in arguments and "definition" not in arguments:
        return {"id": PROSE, "tool": "ask_person", "arguments": arguments}
    return {"id": PROSE, "tool": PROSE, "arguments": arguments}


def _arguments(call):
    given = call.get("arguments")
    if isinstance(given, str):
        try:
            given = orjson.loads(given)
        except orjson.JSONDecodeError:
            given = None
    return given if isinstance(given, dict) else {}


def _text(arguments, name):
    value = arguments.get(name)
    return value.replace("\x00", "").strip() if isinstance(value, str) else ""


def _send_back(task, first, problems):
    """Put what is wrong where the model finds it when it is asked again."""
    wrong = {"not_taken": AGAIN, "problems": problems[:MOST_TOLD]}
    if first["id"] == PROSE:
        text = orjson.dumps(wrong).decode()
        part = {"part_kind": "user-prompt", "content": text}
        part["timestamp"] = timezone.now().isoformat()
        task.messages = [*task.messages, {"kind": "request", "parts": [part]}]
        task.results = {}
    else:
        task.results = {call["id"]: {"not_taken": ONE} for call in task.calls}
        task.results[first["id"]] = wrong
    task.calls = []


def _given_up(first, problems, steps):
    tried = f"in {steps} round{'s' if steps > 1 else ''}"
    if first["tool"] == PROSE and "said" in _arguments(first):
        said = " ".join(_arguments(first)["said"].split())
        return f"The model only talked, {tried}, and drafted nothing: “{said}”"
    lines = [f"{_place(item.get('pointer', ''))}{item['detail']}" for item in problems[:MOST_TOLD]]
    more = f"\n– and {len(problems) - MOST_TOLD} more" if len(problems) > MOST_TOLD else ""
    listed = "\n".join(f"– {line[:LONGEST_SHOWN]}" for line in lines)
    return f"The model drafted nothing that works, {tried}. Still wrong was:\n{listed}{more}"


def _place(pointer):
    """Return where a pointer points, for people: “Step 2.1: ”."""
    if pointer.startswith("/trigger"):
        return "What starts it: "
    numbers = [str(int(number) + 1) for number in BLOCK.findall(pointer)]
    return f"Step {'.'.join(numbers)}: " if numbers else ""
