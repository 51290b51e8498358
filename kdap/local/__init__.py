"""What `manage.py up` needs on one machine: environment, database, broker, processes.

environment.py  makes .venv; the only module here that runs before anything is installed
layout.py       where data, logs and sockets live
account.py      as which user servers run, and where that user may read and write
postgres.py     one embedded PostgreSQL; valkey.py: one embedded Valkey
keeper.py       the small process that owns both servers while anybody needs them
client.py       how a command asks the keeper for a server
children.py     web, worker and beat as children; up.py puts all of it together
testing.py      `manage.py test`; commands.py: which of these a command line needs
"""
