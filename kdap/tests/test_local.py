"""The embedded servers and `up`, with real processes: started, shared, killed, started again."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import environ
import psutil
import psycopg
import pytest

from kdap.local.account import Account
from kdap.local.client import BASE_DIR, Client
from kdap.local.layout import Layout, LocalError
from kdap.local.secret import secret_key

# A command that holds a server, and has a guarded process, until it is killed.
HOLDER = """
import subprocess, sys, time
from kdap.local.client import Client
client = Client(sys.argv[1])
client.want("postgres", "valkey")
child = subprocess.Popen(["sleep", "1000", sys.argv[1]][:2], start_new_session=True)
client.guard([child.pid])
print(child.pid, flush=True)
time.sleep(1000)
"""


@pytest.fixture
def place():
    """A directory that every user can enter, unlike pytest's own; removed afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="kdap-local-", dir="/tmp"))
    directory.chmod(0o711)
    yield directory
    forget(directory)


@pytest.fixture(scope="module")
def made_once():
    """A data directory with a finished cluster, to copy from."""
    directory = Path(tempfile.mkdtemp(prefix="kdap-local-", dir="/tmp"))
    directory.chmod(0o711)
    serve(directory / "data").leave()
    yield directory / "data"
    forget(directory)


@pytest.fixture
def data(place, made_once):
    """A data directory that has been used before."""
    return copy(made_once, place / "data")


def copy(made_once, directory):
    """Copy a used data directory, with the owners of its files."""
    subprocess.run(["cp", "-a", made_once, directory], check=True)
    return directory


def serve(data, *names):
    """Return a connected client with PostgreSQL (or `names`) running."""
    client = Client(data)
    try:
        client.environment = client.want(*(names or ["postgres"]))
    except LocalError:
        client.leave()
        raise
    return client


def ask(client, sql):
    """Return the first column of the first row, asked as the application's role."""
    found = environ.Env.db_url_config(client.environment["DATABASE_URL"])
    with psycopg.connect(host=found["HOST"], user=found["USER"], dbname=found["NAME"]) as database:
        cursor = database.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def postmaster(data):
    """Return the number of the PostgreSQL process that serves `data`."""
    return int((Path(data) / "postgres" / "postmaster.pid").read_text().split()[0])


def left(directory):
    """Return the processes that mention `directory` or work in it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            words = " ".join([*process.cmdline(), process.cwd()])
            if str(directory) in words and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def wait_until(true, seconds=20):
    """Wait until `true()`; the caller asserts it again for its message."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def gone(directory):
    """Is nothing left that has to do with `directory`, within a moment?"""
    return wait_until(lambda: not left(directory))


def forget(directory):
    """End what a failed test left, and remove the directory and what it links to."""
    for process in left(directory):
        with contextlib.suppress(psutil.Error):
            process.kill()
    for link in directory.rglob("postgres"):
        if link.is_symlink():
            shutil.rmtree(link.resolve().parent, ignore_errors=True)
    for data in directory.rglob("keeper.lock"):
        shutil.rmtree(Layout(data.parent).run, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def hold():
    """Start a process that holds the servers of a data directory; returns (Popen, guarded pid)."""
    started = []

    def start(data, **options):
        command = [sys.executable, "-c", HOLDER, str(data)]
        holder = subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, **options)
        started.append(holder)
        return holder, int(holder.stdout.readline())

    yield start
    for holder in started:
        holder.kill()
        holder.wait()
        holder.stdout.close()


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


# --- `up` as a whole -------------------------------------------------------------------------


def free_port():
    """Return a port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def up(place):
    """Run `manage.py up` on a data directory; returns its Popen once it is ready or has ended."""
    started = []

    def start(data, port, **extra):
        given = {k: v for k, v in os.environ.items() if not k.startswith(("KDAP_", "PYTEST"))}
        for name in ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "CELERY_TASK_ALWAYS_EAGER"):
            given.pop(name, None)
        output = place / f"output-{len(started)}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, BASE_DIR / "manage.py", "up", "--port", str(port), "--no-demo"],
                env=given | {"KDAP_DATA_DIR": str(data)} | extra,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        process.output = output
        started.append(process)
        wait_until(lambda: "is ready" in output.read_text() or process.poll() is not None, 90)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_up_twice_killed_and_again(data, up):
    port = free_port()
    first = up(data, port)
    assert "KDAP is ready" in first.output.read_text()

    second = up(data, port)
    assert second.wait(60) == 0
    assert f"already running at http://localhost:{port}" in second.output.read_text()

    elsewhere = up(data.parent / "other", port)
    assert elsewhere.wait(60) == 1
    assert f"--port {port + 1}" in elsewhere.output.read_text()

    first.kill()
    first.wait()
    assert gone(data), left(data)

    again = up(data, port)
    assert "KDAP is ready" in again.output.read_text()
    again.terminate()
    assert again.wait(40) == 0
    assert left(data) == []


def test_up_with_a_given_database_and_broker(data, up, place):
    given = serve(data)
    mine = place / "mine"
    process = up(
        mine,
        free_port(),
        DATABASE_URL=given.environment["DATABASE_URL"],
        CELERY_BROKER_URL="memory://",
    )
    assert "KDAP is ready" in process.output.read_text()
    assert not (mine / "postgres").exists()
    assert not [p for p in left(mine) if p.name() in ("postgres", "valkey-server")]
    process.send_signal(signal.SIGINT)
    assert process.wait(40) == 0
    assert left(mine) == []
    given.leave()
