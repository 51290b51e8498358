"""What a page loads at once comes as one file, made of the files as they were written."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Template
from django.urls import reverse

from kdap import bundles


@pytest.fixture
def files(tmp_path, settings):
    """Return a function: files(**texts) makes modules that finders find under kdap/js/."""
    settings.STATICFILES_DIRS = [tmp_path, *settings.STATICFILES_DIRS]
    finders.get_finder.cache_clear()
    (tmp_path / "kdap/js").mkdir(parents=True)

    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"kdap/js/{name}.js").write_text(text)

    yield write
    finders.get_finder.cache_clear()


def test_modules_keep_their_names_to_themselves_and_run_after_what_they_need(files):
    files(
        zero='import { one as first } from "./one.js";\nimport "./two.js";\nconst mine = first;\n',
        one='import "./two.js";\nexport const one = 1;\nexport async function other() {}\n',
        two="const mine = 2;\n",
    )
    assert bundles.joined_modules(["kdap/js/zero.js"]) == (
        "// kdap/js/two.js\n(() => {\nconst mine = 2;\n\n})();\n"
        "// kdap/js/one.js\nconst m1 = (() => {\n\nconst one = 1;\nasync function other() {}\n\n"
        "return { one, other };\n})();\n"
        "// kdap/js/zero.js\n(() => {\nconst {one: first } = m1;\n\nconst mine = first;\n\n})();\n"
    ).replace("{one:", "{ one:")


@pytest.mark.parametrize(
    "text",
    [
        "export default 1;",
        "export let changing = 1;",
        "export { a };",
        'import * as all from "./one.js";',
        'import one from "./one.js";',
        'const later = await import("./one.js");',
    ],
)
def test_what_joining_does_not_understand_is_told(files, text):
    files(zero=text, one="export const one = 1;")
    with pytest.raises(ImproperlyConfigured, match=r"kdap/js/zero\.js can't be joined"):
        bundles.joined_modules(["kdap/js/zero.js"])


def test_modules_that_import_each_other_are_told(files):
    files(zero='import "./one.js";', one='import "./zero.js";')
    with pytest.raises(ImproperlyConfigured, match="Modules import each other"):
        bundles.joined_modules(["kdap/js/zero.js"])


def test_what_a_sheet_imports_stays_in_its_layer():
    text = bundles.joined("kdap/css/page.bundle.css")
    assert text.startswith("/* Tabler lies in a layer")
    assert "@layer tabler {" in text
    assert "@import" not in text
    assert "@charset" not in text
    assert ".shell-bleed" in text


def test_addresses_in_sheets_stay_true():
    text = bundles.joined("kdap/css/page.bundle.css")
    fonts = re.findall(r'url\("?\.\./\.\./([^")]+)', text)
    assert len(fonts) >= 2
    assert all(finders.find(font) for font in fonts)


def test_a_bundle_is_joined_anew_when_a_part_has_changed(settings, tmp_path, files):
    settings.DATA_DIR = tmp_path / "data"
    finder = bundles.Bundles()
    name = "kdap/js/grid.bundle.js"
    before = Path(finder.find(name)).read_text()
    squeezed = Path(f"{finder.find(name)}.gz").read_bytes()
    files(toast="export function toast() {}\nexport function icon() {}\n// another one\n")
    after = Path(finder.find(name)).read_text()
    assert "// another one" in after
    assert "// another one" not in before
    assert Path(f"{finder.find(name)}.gz").read_bytes() != squeezed
    assert [path for path, _ in finder.list([])] == list(bundles.BUNDLES)
    assert finder.find("kdap/js/app.js") == []


@pytest.mark.django_db
def test_the_grid_asks_for_few_files(alice, make_record, settings):
    url = reverse("record", args=[make_record().pk])
    page = alice.client.get(url).content.decode()
    assert re.findall(r'(?:src|<link[^>]* href)="/static/([^"]+)"', page) == [
        "kdap/js/theme.js",
        "kdap/img/favicon.svg",
        "vendor/inter/inter-latin-wght-normal.woff2",
        "kdap/css/page.bundle.css",
        "vendor/htmx/htmx.min.js",
        "kdap/js/grid.bundle.js",
        "kdap/css/grid.bundle.css",
    ]


def test_with_debug_a_page_names_the_parts_as_they_were_written(settings):
    settings.DEBUG = True
    text = "{% load modules %}{% bundle 'kdap/css/grid.bundle.css' %}{% bundle 'kdap/js/grid.bundle.js' %}"
    html = Template(text).render(Context())
    assert "bundle" not in html
    assert '<link rel="stylesheet" href="/static/kdap/css/history.css">' in html
    for module in ("app.js", "grid/main.js"):
        assert f'<script type="module" src="/static/kdap/js/{module}"></script>' in html
