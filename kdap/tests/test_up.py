"""`manage.py up` as a whole, with real processes: twice, killed, again, with given servers."""

import signal

from kdap.tests.servers import free_port, gone, left, serve


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
