"""How collected files are named."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Every file carries its digest in its name, also where one JavaScript module imports another.

    Without that, a browser could run a new module together with an old one it had kept.
    """

    support_js_module_import_aggregation = True
    # One pass for each module on the longest way from import to import; a circle never ends.
    max_post_process_passes = 20
