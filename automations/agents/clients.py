"""The clients of providers. They are loaded when the first model is asked, for they are large."""

from contextlib import asynccontextmanager

import httpx
import httpx2

from automations.agents import providers
from automations.outbound_async import WalledTransport


class Bridge(httpx2.AsyncBaseTransport):
    """WalledTransport for clients of httpx2, whose requests and answers are shaped alike."""

    def __init__(self, **options):
        self.walled = WalledTransport(**options)

    async def handle_async_request(self, request):
        body = await request.aread()
        ours = httpx.Request(
            request.method,
            str(request.url),
            headers=list(request.headers.multi_items()),
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
            content=content,
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
    bridge = Bridge(max_bytes=providers.MOST_BYTES)
    async with httpx2.AsyncClient(transport=bridge, trust_env=False) as client:
        yield MAKERS[provider.api](provider, name, client)


def _openai(provider, name, client):
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    base = provider.base_url or "https://api.openai.com/v1"
    made = AsyncOpenAI(base_url=base, api_key=provider.secret(), http_client=client, max_retries=0)
    return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=made))


def _anthropic(provider, name, client):
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    base = provider.base_url or "https://api.anthropic.com"
    made = AsyncAnthropic(
        base_url=base, api_key=provider.secret(), http_client=client, max_retries=0
    )
    return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=made))


MAKERS = {"openai": _openai, "anthropic": _anthropic}
