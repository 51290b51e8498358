"""The cache: Redis or Valkey, without which everything still works, only slower."""

import functools
import logging
import time

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, TimeoutError
from redis.retry import Retry

log = logging.getLogger(__name__)
SAY_AGAIN = 60


def forgiving(name, empty):
    """Return the client's method `name`; when the server is away it answers `empty(*arguments)`."""
    method = getattr(RedisCacheClient, name)

    @functools.wraps(method)
    def call(self, *args):
        try:
            return method(self, *args)
        except (ConnectionError, TimeoutError) as error:
            self.complain(error)
            return empty(*args)

    return call


class ForgivingClient(RedisCacheClient):
    """A client to which a server that is away is an empty one that forgets at once."""

    complained = -SAY_AGAIN

    def complain(self, error):
        """Say once a minute that the cache is away."""
        if time.monotonic() - self.complained >= SAY_AGAIN:
            type(self).complained = time.monotonic()
            log.warning("The cache is away, going on without: %s", error)

    add = forgiving("add", lambda *_: True)
    get = forgiving("get", lambda key, default: default)
    set = forgiving("set", lambda *_: None)
    touch = forgiving("touch", lambda *_: False)
    delete = forgiving("delete", lambda *_: False)
    get_many = forgiving("get_many", lambda *_: {})
    has_key = forgiving("has_key", lambda *_: False)
    incr = forgiving("incr", lambda key, delta: delta)
    set_many = forgiving("set_many", lambda *_: None)
    delete_many = forgiving("delete_many", lambda *_: None)
    clear = forgiving("clear", lambda *_: False)


class ForgivingCache(RedisCache):
    """Django's Redis cache, for which nobody waits and nobody fails."""

    def __init__(self, server, params):
        super().__init__(server, params)
        self._class = ForgivingClient
        # By default a call to a server that is away takes seconds of retries.
        self._options = {"retry": Retry(NoBackoff(), 1)} | self._options
