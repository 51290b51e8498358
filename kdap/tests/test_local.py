"""The embedded servers with real processes: started, shared, killed, started again."""

import os
import signal
import subprocess
import sys

import environ
import psutil
import pytest

from kdap.local.account import Account
from kdap.local.client import BASE_DIR
from kdap.local.layout import LocalError
from kdap.local.secret import secret_key
from kdap.tests.servers import HOLDER, ask, copy, gone, left, postmaster, serve, wait_until


def test_cold_start_and_end(place):
    client = serve(place / "data", "postgres", "valkey")
    assert ask(client, "SELECT current_user") == "kdap"
    assert not ask(client, "SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user")  # fmt: skip
    assert ask(client, "SELECT count(*) FROM pg_extension WHERE extname IN ('pg_trgm', 'unaccent', 'btree_gin')") == 3  # fmt: skip
    assert ask(client, "SELECT lower('ÄÖ')") == "äö"
    client.leave()
    assert left(place) == []


def test_warm_start_keeps_what_was_written(data):
    first = serve(data)
    ask(first, "CREATE TABLE kept AS SELECT 7 AS number")
    first.leave()
    second = serve(data)
    assert ask(second, "SELECT number FROM kept") == 7
    second.leave()


def test_cache_and_broker_addresses_are_understood(data):
    client = serve(data, "valkey")
    cache = environ.Env.cache_url_config(client.environment["CACHE_URL"])
    from django.core.cache.backends.redis import RedisCache
    from kombu import Connection

    RedisCache(cache["LOCATION"], cache).set("a", 1)
    with Connection(client.environment["CELERY_BROKER_URL"]) as broker:
        broker.connect()
    client.leave()


def test_commands_at_once_share_one_server(data):
    command = [sys.executable, "-c", HOLDER.replace("time.sleep(1000)", "sys.stdin.read()")]
    together = [
        subprocess.Popen(
            [*command, str(data)], cwd=BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    for process in together:
        assert process.stdout.readline()
    servers = [p for p in left(data / "postgres") if p.name() == "postgres"]
    assert len({p.pid for p in servers if p.ppid() not in {other.pid for other in servers}}) == 1
    for process in together:
        process.communicate()
    assert gone(data)


def test_killed_command_leaves_nothing(data, hold):
    holder, guarded = hold(data)
    assert psutil.pid_exists(guarded)
    holder.kill()
    assert gone(data), left(data)
    assert wait_until(lambda: not psutil.pid_exists(guarded))
    serve(data).leave()


def test_killed_keeper_leaves_nothing(data):
    client = serve(data)
    client.keeper.kill()
    client.keeper.wait()
    again = serve(data)
    assert ask(again, "SELECT 1") == 1
    again.leave()
    assert gone(data), left(data)


def test_crashed_server_is_started_again(data):
    client = serve(data)
    before = postmaster(data)
    os.kill(before, signal.SIGKILL)
    said = [client.wait_for("say")["say"] for _ in range(2)]
    assert "ended unexpectedly" in said[0]
    assert said[1] == "postgres is back"
    assert postmaster(data) != before
    assert ask(client, "SELECT 1") == 1
    client.leave()


def test_stale_pid_of_somebody_elses_process(data):
    account = Account.for_cluster(data / "postgres")
    stranger = subprocess.Popen(["sleep", "100"], cwd="/", **account.popen_arguments())
    pid_file = data / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{stranger.pid}\n{data / 'postgres'}\n1\n5432\n\n\n  0 0\nready   \n")
    account.own(pid_file)
    client = serve(data)
    assert stranger.poll() is None
    client.leave()
    stranger.kill()
    stranger.wait()


def test_half_made_cluster_is_made_again(place):
    half = place / "data" / "postgres.new-killed"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    serve(place / "data").leave()
    assert not half.exists()


def test_long_path(place, made_once):
    long = place / ("x" * 60) / ("y" * 60)
    long.mkdir(parents=True)
    data = copy(made_once, long / "data")
    client = serve(data, "postgres", "valkey")
    assert ask(client, "SELECT 1") == 1
    client.leave()
    assert gone(data)


def test_another_data_version_is_refused(data):
    (data / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(LocalError, match="made by PostgreSQL 12"):
        serve(data)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a home that servers can't enter")
def test_home_closed_to_the_servers_user(place):
    home = place / "home"
    home.mkdir(mode=0o700)
    client = serve(home / "data", "postgres", "valkey")
    assert ask(client, "SELECT 1") == 1
    assert (home / "data" / "postgres").is_symlink()
    client.leave()
    assert home.stat().st_mode & 0o777 == 0o700
    serve(home / "data").leave()


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests already run as an ordinary user")
def test_as_an_ordinary_user(place, hold):
    somebody = Account.for_cluster(place / "none")
    if not (somebody.can("x", sys.executable) and somebody.can("r", BASE_DIR / "manage.py")):
        pytest.skip("this Python can't be run by other users")
    mine = place / "mine"
    mine.mkdir()
    somebody.own(mine)
    holder, _ = hold(mine / "data", **somebody.popen_arguments())
    assert {p.username() for p in left(mine / "data")} == {psutil.Process(holder.pid).username()}
    holder.kill()
    assert gone(mine / "data"), left(mine / "data")


def test_secret_key_is_made_once(place):
    first = secret_key(place / "data")
    assert len(first) > 50
    assert secret_key(place / "data") == first
    assert (place / "data" / "secret-key").stat().st_mode & 0o777 == 0o600
