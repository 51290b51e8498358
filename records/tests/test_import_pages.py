"""The pages of an import: upload, preview, progress, result."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from kdap.tests.people import give_role
from records.imports import services
from records.jobs import ImportJob
from records.tests.imports import bring_in, rows_of, run, upload
from workspaces.models import Role

CSV = b"code,n\na,1\nb,x\nc,3\n"


@pytest.fixture
def stock(make_record):
    return make_record("Stock", code="text", n="integer")


def send(client, url, data=CSV, name="stock list.csv"):
    return client.post(url, {"file": SimpleUploadedFile(name, data)})


def choice(job, **changes):
    """Return what the preview's form would send as it stands."""
    sent = {"do": "start", "on_error": "all_or_nothing", "mode": "append"}
    sent["record_name"] = job.record_name
    for number, item in enumerate(job.mapping):
        sent[f"to-{number}"] = item.get("field") or "new"
        sent[f"label-{number}"] = item.get("label", "")
        sent[f"type-{number}"] = item.get("type", "")
        sent[f"form-{number}"] = item["form"]
    return sent | changes


def test_from_a_file_to_a_record(alice, workspace, django_capture_on_commit_callbacks, settings):
    settings.CELERY_TASK_ALWAYS_EAGER = True
    client = alice.client
    url = reverse("import", args=[workspace.pk])
    assert "Drop a file" in client.get(url).content.decode()
    response = send(client, url)
    page = client.get(response.url).content.decode()
    assert "stock list.csv" in page
    assert "3 rows, 2 columns" in page
    with alice.acting():
        job = ImportJob.objects.get()
    response = client.post(response.url, choice(job, record_name="Stock"))
    assert response.url == reverse("import-progress", args=[job.pk])
    with alice.acting():
        job = services.run_now(services.find(job.pk))
    page = client.get(response.url).content.decode()
    assert "<strong>3</strong> new" in page
    assert rows_of(alice, job.record) == [["a", "1"], ["b", "x"], ["c", "3"]]


def test_paste(alice, workspace):
    url = reverse("import", args=[workspace.pk])
    response = alice.client.post(url, {"text": "name\tn\nAnn\t3\n"})
    page = alice.client.get(response.url).content.decode()
    assert "1 row, 2 columns" in page


def test_nothing_and_nonsense_stay_on_the_page(alice, workspace):
    url = reverse("import", args=[workspace.pk])
    response = alice.client.post(url, {})
    assert response.status_code == 422
    assert "Choose a file" in response.content.decode()
    response = send(alice.client, url, b"%PDF-1.7", "x.pdf")
    assert response.status_code == 422
    assert "This is no table" in response.content.decode()


def test_changing_how_it_is_read(alice, workspace):
    job = upload(alice, workspace, "a;b\n1;2\n", settings={"delimiter": ","})
    url = reverse("import-preview", args=[job.pk])
    sent = {"do": "read", "read-delimiter": ";", "read-quote": '"', "read-escape": ""}
    sent |= {"read-encoding": "utf-8", "read-header_row": 0}
    response = alice.client.post(url, sent, headers={"HX-Request": "true"})
    page = response.content.decode()
    assert "<html" not in page
    assert "2 rows, 2 columns" in page
    response = alice.client.post(url, sent | {"read-encoding": "utf-16"})
    assert response.status_code == 422
    assert "utf-16" in response.content.decode()


def test_trying_out_writes_nothing(alice, workspace, stock):
    job = upload(alice, workspace, CSV, record=stock)
    url = reverse("import-preview", args=[job.pk])
    page = alice.client.post(url, choice(job, do="try")).content.decode()
    assert "can’t be taken" in page or "can&#x27;t be taken" in page
    assert "Row 3, n" in page
    page = alice.client.post(url, choice(job, do="try", on_error="skip_bad")).content.decode()
    assert "<strong>2</strong> new" in page
    assert rows_of(alice, stock) == []


def test_a_mapping_that_does_not_fit_is_kept_and_told(alice, workspace, stock):
    job = upload(alice, workspace, CSV, record=stock)
    url = reverse("import-preview", args=[job.pk])
    response = alice.client.post(url, choice(job, **{"to-1": "code"}))
    assert response.status_code == 422
    assert "Two columns go into" in response.content.decode()
    response = alice.client.post(url, choice(job, mode="upsert"))
    assert response.status_code == 422
    assert "Choose the fields" in response.content.decode()


def test_refused_rows_as_csv_that_no_spreadsheet_runs(alice, workspace, stock):
    job = bring_in(alice, workspace, "code,n\na,=cmd|x\n", record=stock)
    page = alice.client.get(reverse("import-progress", args=[job.pk])).content.decode()
    assert "nothing was imported" in page
    response = alice.client.get(reverse("import-refused", args=[job.pk]))
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    assert text.splitlines()[0] == "Row,Column,Value,Reason"
    assert text.splitlines()[1].startswith("2,n,'=cmd|x,")


def test_progress_asks_again_until_it_is_over(alice, workspace, stock):
    job = upload(alice, workspace, CSV, record=stock)
    with alice.acting() as actor:
        services.prepare(job=job, actor=actor)
    url = reverse("import-progress", args=[job.pk])
    page = alice.client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "every 1s" in page
    alice.client.post(reverse("import-cancel", args=[job.pk]))
    page = alice.client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "every 1s" not in page
    assert "cancelled" in page
    with alice.acting():
        assert services.run_now(job) is None
    assert rows_of(alice, stock) == []


def test_strangers_and_readers(alice, bob, charlie, workspace, stock):
    job = upload(alice, workspace, CSV, record=stock)
    pages = [
        reverse("import", args=[workspace.pk]),
        reverse("record-import", args=[stock.pk]),
        reverse("import-preview", args=[job.pk]),
        reverse("import-progress", args=[job.pk]),
        reverse("import-refused", args=[job.pk]),
        reverse("record-export", args=[stock.pk, "csv"]),
    ]
    assert [charlie.client.get(url).status_code for url in pages] == [404] * 6
    assert charlie.client.post(reverse("import-cancel", args=[job.pk])).status_code == 404
    assert bob.client.get(pages[1]).status_code == 200
    assert bob.client.get(pages[0]).status_code == 403
    give_role(workspace, bob, Role.VIEWER)
    assert [bob.client.get(url).status_code for url in pages] == [403] * 5 + [200]


def test_a_dead_worker_is_noticed(alice, workspace, stock, django_capture_on_commit_callbacks):
    import datetime as dt

    from django.utils import timezone

    job = upload(alice, workspace, CSV, record=stock)
    with alice.acting() as actor:
        services.prepare(job=job, actor=actor)
        job.heartbeat, job.attempts = timezone.now() - dt.timedelta(minutes=5), 1
        job.save()
    url = reverse("import-progress", args=[job.pk])
    with django_capture_on_commit_callbacks() as callbacks:
        alice.client.get(url)
    assert len(callbacks) == 1
    with alice.acting():
        job.heartbeat, job.attempts = timezone.now() - dt.timedelta(minutes=5), 2
        job.save()
    assert "died twice" in alice.client.get(url).content.decode()


def test_an_import_that_failed_is_opened_again(alice, workspace, stock, bob):
    job = bring_in(alice, workspace, CSV, record=stock)
    assert job.state == "failed"
    url = reverse("import-progress", args=[job.pk])
    assert "Look at it again" in alice.client.get(url).content.decode()
    again = reverse("import-reopen", args=[job.pk])
    give_role(workspace, bob, Role.VIEWER)
    assert bob.client.post(again).status_code == 403
    response = alice.client.post(again)
    assert response.url == reverse("import-preview", args=[job.pk])
    assert alice.client.post(again).status_code == 409
    with alice.acting():
        job = services.find(job.pk)
    assert (job.state, job.mapping[1]["field"], job.error) == ("ready", "n", "")
    assert run(alice, job, on_error="skip_bad").state == "done"
    assert rows_of(alice, stock) == [["a", "1"], ["c", "3"]]
    assert alice.client.post(again).status_code == 409
