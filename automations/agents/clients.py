"""The clients of providers. They are loaded when the first model is asked, for they are large."""

from contextlib import asynccontextmanager

import httpx
import httpx2

from automations.agents import providers
from automations.integrations.hiding import hidden_in
from automations.integrations.kinds import model_key
from automations.outbound_async import WalledTransport

# What of a client's own headers is sent. They add others from this process's environment, which is
# the administrator's and not for whoever's address this is.
SENT = (
    *("accept", "content-type", "content-length", "host", "user-agent"),
    *("anthropic-version", "anthropic-beta"),
)
# A shorter key is a stand-in for servers that ask for none, and may be a word of the protocol.
SHORTEST_KEY = 16


class Bridge(httpx2.AsyncBaseTransport):
    """WalledTransport for clients of httpx2, whose requests and answers are shaped alike.

    `key` is how `api` is told who asks. Nobody can read it in an answer: servers may answer with
    what they were sent.
    """

    def __init__(self, api, key, **options):
        self.key = model_key(api, key)
        self.secrets = {key} if len(key) >= SHORTEST_KEY else set()
        self.walled = WalledTransport(**options)

    async def handle_async_request(self, request):
        body = await request.aread()
        sent = [pair for pair in request.headers.multi_items() if pair[0].lower() in SENT]
        ours = httpx.Request(
            request.method,
            str(request.url),
            headers=[*sent, *self.key.items()],
            content=body,
            extensions=request.extensions,
        )
        try:
            answer = await self.walled.handle_async_request(ours)
            content = await answer.aread()
            await answer.aclose()
        except httpx.HTTPError as error:
            kind = getattr(httpx2, type(error).__name__, httpx2.NetworkError)
            raise kind(str(error), request=request) from error
        return httpx2.Response(
            answer.status_code,
            headers=list(answer.headers.multi_items()),
            content=hidden_in(content, self.secrets),
            request=request,
        )

    async def aclose(self):
        await self.walled.aclose()


@asynccontextmanager
async def model_of(provider, name):
    """Give the model of that name, with a client that goes through the walls."""
    if provider.api == providers.OFFLINE:
        from automations.agents.offline import offline_model

        yield offline_model()
        return
    key = provider.secret()
    bridge = Bridge(provider.api, key, max_bytes=providers.MOST_BYTES)
    async with httpx2.AsyncClient(transport=bridge, trust_env=False) as client:
        # The clients insist on a key; a local server asks for none.
        options = {"base_url": provider.address, "api_key": key or "none", "max_retries": 0}
        yield MAKERS[provider.api](name, options | {"http_client": client})


def _openai(name, options):
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    made = OpenAIProvider(openai_client=AsyncOpenAI(**options))
    return OpenAIChatModel(name, provider=made)


def _anthropic(name, options):
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    made = AnthropicProvider(anthropic_client=AsyncAnthropic(**options))
    return AnthropicModel(name, provider=made)


MAKERS = {"openai": _openai, "anthropic": _anthropic}
