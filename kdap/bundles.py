"""What a page loads at once, as one file: its style sheets, or its modules.

A browser asks for sixty small files one after the other; for three it hardly waits. The files stay
as they were written: `Bundles`, a finder of static files, joins them in the data directory whenever
one of them has changed, for the server as for `collectstatic`. With DEBUG pages name each file.
"""

import os
import posixpath
import re
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.utils import matches_patterns
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage
from whitenoise.compress import Compressor

CSS, JS = "kdap/css/", "kdap/js/"
# Parts of style sheets are in one directory with their bundle, so that addresses in them stay true.
BUNDLES = {
    f"{CSS}page.bundle.css": tuple(
        f"{CSS}{name}.css"
        for name in (
            *("tabler", "tokens", "base", "shell"),
            *("components", "forms", "auth", "helpers"),
        )
    ),
    f"{CSS}grid.bundle.css": (f"{CSS}grid.css", f"{CSS}history.css"),
    # Both in one: two bundles would bring the modules that they share twice.
    f"{JS}grid.bundle.js": (f"{JS}app.js", f"{JS}grid/main.js"),
}

IMPORT = re.compile(r"""^import\s+(?:\{([^}]*)\}\s*from\s*)?["'](\.{1,2}/[^"']+)["'];?""", re.M)
EXPORT = re.compile(r"^export\s+((?:async\s+)?function|class|const)\s+([\w$]+)", re.M)
# What joining does not understand; nothing of it is needed.
UNKNOWN = re.compile(r"^(?:import|export)\b.*|\bimport\s*[(.].*", re.M)
LAYERED = re.compile(r"""^@import\s+url\(["']?([^"')]+)["']?\)\s+layer\(([\w-]+)\);""", re.M)


class Bundles(finders.BaseFinder):
    """Finds BUNDLES; joins their parts anew when one of them is newer."""

    def __init__(self, *args, **kwargs):
        self.storage = FileSystemStorage(settings.DATA_DIR / "bundles")
        super().__init__(*args, **kwargs)

    def check(self, **kwargs):
        """There is nothing that could be configured wrongly."""
        return []

    def find(self, path, find_all=False, all=False):
        """Return where a bundle is, or nothing."""
        found = self.made(path) if path in BUNDLES else None
        return ([found] if found else []) if (find_all or all) else (found or [])

    def list(self, ignore_patterns):
        """Yield (path, storage) of every bundle, made."""
        for name in BUNDLES:
            if not matches_patterns(name, ignore_patterns or ()):
                self.made(name)
                yield name, self.storage

    def made(self, name):
        """Return the path of a bundle's file, after joining its parts if that was needed."""
        path = Path(self.storage.path(name))
        text = joined(name).encode()
        if not path.exists() or path.read_bytes() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"{path.name}.{os.getpid()}")
            fresh.write_bytes(text)
            Compressor(quiet=True, use_brotli=False).compress(str(fresh))
            # The bundle comes last: who finds it finds it compressed, too, and both whole.
            path.with_name(f"{fresh.name}.gz").replace(f"{path}.gz")
            fresh.replace(path)
        return str(path)


def joined(name):
    """Return the text of a bundle."""
    join = joined_modules if name.endswith(".js") else joined_styles
    return join(BUNDLES[name])


def joined_styles(paths):
    """Return style sheets as one; what one imports into a layer is put into that layer."""
    return "\n".join(LAYERED.sub(_layer, _read(path)) for path in paths)


def _layer(found):
    address, layer = found.groups()
    text = _read(_beside(CSS, address)).removeprefix('@charset "UTF-8";')
    return f"@layer {layer} {{\n{text}\n}}"


def joined_modules(entries):
    """Return modules, and all that they import, as one; each keeps its names to itself."""
    modules = in_order(entries)
    numbers = {path: number for number, path in enumerate(modules)}
    parts = []
    for path in modules:
        exported = []

        def declare(found, exported=exported):
            exported.append(found[2])
            return f"{found[1]} {found[2]}"

        def take(found, path=path):
            if found[1] is None:
                return ""
            names = found[1].replace(" as ", ": ")
            return f"const {{{names}}} = m{numbers[_beside(path, found[2])]};"

        body = EXPORT.sub(declare, IMPORT.sub(take, _read(path)))
        if strange := UNKNOWN.search(body):
            raise ImproperlyConfigured(f"{path} can't be joined with others: {strange[0]}")
        start = f"const m{numbers[path]} = (() => {{" if exported else "(() => {"
        back = f"return {{ {', '.join(exported)} }};\n" if exported else ""
        parts.append(f"// {path}\n{start}\n{body}\n{back}}})();\n")
    return "".join(parts)


def in_order(entries):
    """Return modules and all they import, each after those that it needs itself."""
    found, open_ = [], []

    def visit(path):
        if path in found:
            return
        if path in open_:
            raise ImproperlyConfigured(f"Modules import each other: {' → '.join([*open_, path])}")
        open_.append(path)
        for imported in imports_in(path):
            visit(imported)
        open_.pop()
        found.append(path)

    for entry in entries:
        visit(entry)
    return found


def imports_in(path):
    """Return the paths of the modules that one imports itself; raise if it isn't there."""
    return [_beside(path, address) for _, address in IMPORT.findall(_read(path))]


def _beside(path, address):
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), address))


def _read(path):
    file = finders.find(path)
    if not file:
        raise ImproperlyConfigured(f"There is no file {path}.")
    return Path(file).read_text()
