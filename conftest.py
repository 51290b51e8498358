"""What every test gets. The database comes from `python3 manage.py test` (kdap/local/testing.py)."""

import hypothesis
import pytest
from django.conf import settings
from django.test import TransactionTestCase

pytest_plugins = ["kdap.tests.people", "kdap.tests.browser", "kdap.tests.grids"]


def pytest_configure():
    """Make passwords cheap, and keep clocks and the connection pool out of the tests' way."""
    # What is slow on a busy machine is not wrong.
    slow = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
    hypothesis.settings.register_profile("kdap", **slow)
    hypothesis.settings.load_profile("kdap")
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # A pool would hold connections to a database that the runner wants to drop.
    settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
    # A thread would not see what a test has not committed.
    settings.AUTOMATIONS_AGENTS_AT_ONCE = 1


def pytest_sessionstart():
    """Replace what takes longer than most tests do, once Django is ready."""
    from kdap.serving import Files
    from kdap.tests.emptying import take_back

    TransactionTestCase._fixture_teardown = take_back
    Files.add_files_from_finders = found_once(Files.add_files_from_finders)


def found_once(find):
    """Let all handlers of a process that look in the same places share the files of the first."""
    known = {}

    def add_files(self):
        places = tuple(map(str, settings.STATICFILES_DIRS))
        if places not in known:
            find(self)
            known[places] = dict(self.files)
        self.files.update(known[places])

    return add_files


@pytest.fixture(autouse=True)
def files_of_this_test(settings, tmp_path):
    """Uploads of one test are not another's."""
    settings.MEDIA_ROOT = tmp_path / "media"
