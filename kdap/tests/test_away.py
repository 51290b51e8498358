"""What stays when the cache or the database is away."""

import time

import environ
import psycopg
import pytest
from django.db import OperationalError

from kdap import api, settings
from kdap.cache import ForgivingCache
from kdap.tests.servers import serve
from records import long_changes
from records.structure_jobs import StructureJob
from records.tests.api import Api


@pytest.fixture
def away(tmp_path):
    return ForgivingCache(f"unix://{tmp_path}/none.sock?db=1", {})


def test_a_cache_that_is_away_is_empty(away, caplog):
    started = time.monotonic()
    assert away.add("a", 1) is True
    assert away.get("a", 7) == 7
    away.set("a", 1)
    assert away.incr("a", 3) == 3
    assert (away.touch("a"), away.delete("a"), away.has_key("a")) == (False, False, False)
    assert away.get_many(["a", "b"]) == {}
    away.set_many({"a": 1})
    away.delete_many(["a"])
    assert time.monotonic() - started < 1
    assert len([r for r in caplog.records if "cache is away" in r.message]) <= 1


def test_the_api_answers_without_its_cache(away, alice, workspace, monkeypatch):
    monkeypatch.setattr(api, "cache", away)
    assert Api(alice).get("workspaces/").status_code == 200


def test_every_redis_is_forgiven():
    assert settings.cache_of("redis://somewhere/1")["BACKEND"] == "kdap.cache.ForgivingCache"
    assert "locmem" in settings.cache_of("locmemcache://")["BACKEND"]


def test_it_is_a_cache(data):
    client = serve(data, "valkey")
    found = environ.Env.cache_url_config(client.environment["CACHE_URL"])
    cache = ForgivingCache(found["LOCATION"], {})
    cache.set("a", 1)
    assert (cache.get("a"), cache.incr("a"), cache.add("a", 9)) == (1, 2, False)
    client.leave()
    assert cache.get("a") is None


def test_a_lost_database_is_503(alice, workspace, monkeypatch):
    def lost(*args):
        raise OperationalError("server closed the connection") from psycopg.OperationalError("EOF")

    monkeypatch.setattr("workspaces.api.page", lost)
    answer = Api(alice).get("workspaces/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.data["type"].endswith("#problem-unavailable")


def test_a_long_change_that_loses_the_database_waits(alice, workspace, make_record, monkeypatch):
    def lost(*args):
        raise OperationalError("server closed the connection") from psycopg.OperationalError("EOF")

    monkeypatch.setattr(long_changes, "_carry_out", lost)
    with alice.acting() as actor:
        job = StructureJob.objects.create(
            workspace=workspace,
            record=make_record(n="integer"),
            user=actor.user,
            changes=[],
            version=1,
        )
    assert long_changes.run(str(job.pk)) is None
    with alice.acting():
        job.refresh_from_db()
    assert (job.state, job.error) == ("running", "")
