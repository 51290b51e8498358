"""What is measured. Each run returns seconds by contestant: raw, plain and kdap."""

import resource
import statistics
import time

import orjson
from django.db import connection, transaction
from django.test import Client

from benchmarks.plain import COLUMNS, TABLE
from records import factory, indexes
from records.exports import Export
from records.imports import services
from records.query import Query
from records.services import change_structure
from workspaces.access import acting_as

SELECT = ", ".join(("entry_id", *COLUMNS))


def median(function, times):
    """Return the median seconds that `function()` takes in `times` calls, after two to warm up."""
    for _ in range(min(2, times)):
        function()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def raw(statement, params=()):
    """Return a function that runs a SELECT by psycopg and makes JSON of it."""

    def run():
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            names = [column.name for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return orjson.dumps(rows, default=str)

    return run


def get(client, url):
    """Return a function that asks for `url` and insists on 200."""

    def run():
        answer = client.get(url)
        assert answer.status_code == 200, (url, answer.status_code, answer.content[:300])
        return answer

    return run


def list_100(ground):
    """One page of 100 entries in their own order."""
    return {
        "raw": median(raw(f"SELECT {SELECT} FROM {TABLE} ORDER BY entry_id LIMIT 100"), 50),
        "plain": median(get(Client(), "/benchmark/plain/?limit=100"), 10),
        "kdap": median(get(ground.client, f"{ground.entries}?limit=100"), 50),
    }


def filter_and_sort(ground):
    """Pages over 500, cheapest first: no index serves it in the plain table."""
    statement = f"SELECT {SELECT} FROM {TABLE} WHERE pages > 500 ORDER BY price, entry_id LIMIT 100"
    # The worker does this a moment after the first person asked for the order.
    with acting_as(ground.actor):
        order = Query(ground.record, sort=["price"]).order
    indexes.make_index(str(ground.record.pk), indexes.index_name(ground.record, order), order)
    return {
        "raw": median(raw(statement), 3),
        "plain": median(get(Client(), "/benchmark/plain/?limit=100&pages=500"), 3),
        "kdap": median(
            get(ground.client, f"{ground.entries}?limit=100&pages__gt=500&sort=price"), 3
        ),
    }


def deep_page(ground):
    """The page at nine tenths of the table: by offset, and by the key that the API hands out."""
    offset = ground.rows * 9 // 10
    statement = f"SELECT {SELECT} FROM {TABLE} ORDER BY entry_id OFFSET {offset} LIMIT 100"
    where = orjson.dumps({"field": "entry_id", "op": "gt", "value": offset}).decode()
    return {
        "raw": median(raw(statement), 5),
        "plain": median(get(Client(), f"/benchmark/plain/?limit=100&offset={offset}"), 3),
        "kdap": median(get(ground.client, f"{ground.entries}?limit=100&where={where}"), 20),
    }


BOOK = {"title": "New", "pages": 12, "price": "9.90", "sold": True, "day": "2026-01-01", "stars": 3}


def create_one(ground):
    """One entry by one request; ours with history, walls and log."""
    columns = ", ".join(BOOK)
    marks = ", ".join(["%s"] * len(BOOK))
    statement = f"INSERT INTO {TABLE} ({columns}) VALUES ({marks}) RETURNING entry_id"

    def insert():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, list(BOOK.values()))
            return orjson.dumps(cursor.fetchone()[0])

    return {"raw": median(insert, 50), **_posts(ground, BOOK, 50)}


def _posts(ground, body, times):
    def post(client, url):
        def run():
            answer = client.post(url, body, content_type="application/json")
            assert answer.status_code == 201, answer.content[:300]

        return run

    return {
        "plain": median(post(Client(), "/benchmark/plain/"), times),
        "kdap": median(post(ground.client, ground.entries), times),
    }


def update_one(ground):
    """One cell of one entry by one request."""
    numbers = iter(range(1, 10_000))

    def update():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {TABLE} SET pages = %s WHERE entry_id = 7", [next(numbers)])

    def patch(client, url):
        def run():
            answer = client.patch(url, {"pages": next(numbers)}, content_type="application/json")
            assert answer.status_code == 200, answer.content[:300]

        return run

    return {
        "raw": median(update, 50),
        "plain": median(patch(Client(), "/benchmark/plain/7/"), 50),
        "kdap": median(patch(ground.client, f"{ground.entries}7/"), 50),
    }


def create_10k(ground):
    """Ten thousand entries in one request; the plain viewset takes them one by one."""
    books = [BOOK | {"isbn": str(n)} for n in range(10_000)]
    columns = ", ".join((*BOOK, "isbn"))
    marks = ", ".join(["%s"] * (len(BOOK) + 1))

    def insert():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {TABLE} ({columns}) VALUES ({marks})",
                [list(book.values()) for book in books],
            )

    def post():
        answer = ground.client.post(ground.entries, books, content_type="application/json")
        assert answer.status_code == 201, answer.content[:300]

    plain = _posts(ground, BOOK, 20)["plain"] * len(books)
    return {"raw": median(insert, 2), "plain": plain, "kdap": median(post, 2)}


def export_all(ground):
    """Every entry as CSV; raw is COPY without a look at the cells."""

    def copy():
        with (
            connection.cursor() as cursor,
            cursor.copy(
                f"COPY (SELECT {SELECT} FROM {TABLE}) TO STDOUT WITH (FORMAT csv, HEADER)"
            ) as stream,
        ):
            return sum(len(block) for block in stream)

    def download():
        with acting_as(ground.actor):
            export = Export(Query(ground.record), ground.actor)
        return sum(len(block) for block in export.csv())

    return {"raw": once(copy), "kdap": once(download)}


def add_field(ground):
    """A field with a default for all entries, as a plan; raw is the bare ALTER TABLE."""
    names = iter(range(1, 100))

    def alter():
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {TABLE} ADD COLUMN extra_{next(names)} integer DEFAULT 1")

    def plan():
        field = {"label": f"Extra {next(names)}", "type": "integer", "default": 1}
        with acting_as(ground.actor) as actor:
            changes = [{"op": "add_field", "field": field}]
            change_structure(record=ground.record, changes=changes, actor=actor)

    return {"raw": median(alter, 3), "kdap": median(plan, 3)}


def models(ground):
    """The dynamic model of ten fields: cold (built) and warm (cached); there is no raw."""
    with acting_as(ground.actor):
        ground.record.reload()
        structure = ground.record.structure
        cold = median(lambda: factory.build(ground.record, structure), 20)
        warm = median(lambda: ground.record.model, 100)
    return {"cold": cold, "warm": warm}


def import_all(ground):
    """Every row of a CSV file into a new record: read, guessed, checked, historied.

    Raw is COPY into the plain table. Seconds are of the whole way, database included.
    """
    listed = ", ".join(COLUMNS)
    statement = f"COPY {TABLE} ({listed}) FROM STDIN WITH (FORMAT csv, HEADER)"
    with connection.cursor() as cursor:
        query = f"COPY (SELECT {listed} FROM {TABLE} LIMIT {ground.rows}) TO STDOUT WITH (FORMAT csv, HEADER)"
        with cursor.copy(query) as stream:
            data = b"".join(bytes(block) for block in stream)

    def copy():
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(statement) as stream:
            stream.write(data)

    def bring_in():
        with acting_as(ground.actor) as actor:
            job = services.receive(
                workspace=ground.workspace,
                name="books.csv",
                chunks=[data],
                actor=actor,
                at_once=True,
            )
            services.prepare(job=job, actor=actor)
        job = services.run_now(job)
        assert job.state == job.State.DONE, job.error

    return {"raw": once(copy), "kdap": once(bring_in)}


def once(function):
    """Return the seconds of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def memory():
    """The most memory that this process held so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


RUNS = {
    "list 100": list_100,
    "filter + sort": filter_and_sort,
    "page at nine tenths": deep_page,
    "create one": create_one,
    "update one": update_one,
    "bulk create 10k": create_10k,
    "add a field": add_field,
    "export as CSV": export_all,
    "import a CSV": import_all,
}
