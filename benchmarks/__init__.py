"""KDAP against raw psycopg and a plain REST framework viewset, on the same table and machine."""
