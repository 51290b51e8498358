"""Collected files: every name carries a digest, so that no browser mixes old and new ones."""

import re

from django.core.management import call_command

IMPORT = re.compile(r"""(?:\bfrom|^\s*import)\s*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)


def test_modules_import_each_other_under_their_hashed_names(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "kdap.staticfiles.HashedFiles"}
    }
    call_command(
        "collectstatic", interactive=False, verbosity=0, ignore=["admin", "rest_framework"]
    )
    assert not (tmp_path / "django_htmx").exists()
    hashed = re.compile(r"\.[0-9a-f]{12}\.js$")
    modules = [path for path in (tmp_path / "kdap/js").rglob("*.js") if hashed.search(path.name)]
    imports = [(path, name) for path in modules for name in IMPORT.findall(path.read_text())]
    assert len(imports) > 50
    for path, name in imports:
        assert hashed.search(name), f"{path.name} imports {name}"
        assert (path.parent / name).exists(), f"{path.name} imports {name}"
