"""What records.search makes an index of: the ids of a cell with several choices as texts."""

from django.db import migrations

TOKENS = """
CREATE FUNCTION kdap_tokens(prefix text, numbers integer[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(prefix || number::text) FROM unnest(numbers) AS items(number)
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0007_statements_stamp_themselves")]

    operations = [migrations.RunSQL(TOKENS, "DROP FUNCTION kdap_tokens(text, integer[])")]
