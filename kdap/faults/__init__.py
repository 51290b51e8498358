"""Proof that KDAP survives kill -9: a real product, clients that keep a ledger, and a killer.

product.py   one KDAP in a directory of its own, and how each of its processes is killed
calls.py     HTTP calls whose outcome is known, refused or unknown
ledger.py    what was asked and answered, in a file outside the database
clients.py   threads that change things over the API
points.py    the moments at which to kill
verdict.py   afterwards: is every acknowledged change there exactly once, and nothing by halves?
trial.py     all of it together: `manage.py faults`, and a short one in the tests
flows.py     the same for workflows: `manage.py faults --automations`
receiver.py  the server outside that their steps call, with a ledger of its own
flow_verdict.py   did every entry fire once, and every step of every run take effect once?
"""
