"""What every test gets. The database comes from `python3 manage.py test` (kdap/local/testing.py)."""

import hypothesis
import pytest
from django.conf import settings

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


@pytest.fixture(autouse=True)
def files_of_this_test(settings, tmp_path):
    """Uploads of one test are not another's."""
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def log_of_this_test(request):
    """A test that commits leaves no events behind, which Django's flush can't remove."""
    marker = request.node.get_closest_marker("django_db")
    if marker and marker.kwargs.get("transaction"):
        request.getfixturevalue("log_emptied")
