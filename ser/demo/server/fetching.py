"""How the server fetches a recording from an address that a program names.

Gradio reads the whole answer into memory, unpacked, for as long as the other server takes. Here it
goes to the disk, packed by nobody, up to the size of an upload and within a time.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urljoin, urlparse

import httpx
from gradio import FileSize, processing_utils
from gradio_client.utils import strip_invalid_filename_characters
from safehttpx import AsyncSecureTransport, async_validate_url

MAX_FETCHED = 200 * FileSize.MB
"""Bytes of a file, as of one that is uploaded."""

FETCH_TIME = 30.0
"""Seconds that fetching may take: meanwhile another visitor could be answered."""

MAX_REDIRECTS = 5

AT_ONCE = asyncio.Semaphore(4)
"""Files that are fetched at a time, which share the server's line; others wait."""


class NotFetchedError(Exception):
    """An address from which no recording can be had."""


async def fetch(url: str, cache_dir: str) -> str:
    """Fetch a file that anyone on the internet can have.

    Parameters
    ----------
    url, cache_dir : str
        Where it is, and the folder where a folder for it is made.

    Returns
    -------
    str
        The path of the file.

    Raises
    ------
    Exception
        If it cannot be had, of many types; nothing is left then.
    """
    Path(cache_dir).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=cache_dir))
    name = Path(urlparse(url).path.rstrip("/")).name
    path = folder / (strip_invalid_filename_characters(name) or "file")
    try:
        async with AT_ONCE, asyncio.timeout(FETCH_TIME):
            await _write(url, path)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return str(path)


async def _write(url: str, path: Path) -> None:
    for _ in range(MAX_REDIRECTS + 1):
        # Of names that lead into the network of the server, none passes, at each step anew.
        transport = AsyncSecureTransport(await async_validate_url(httpx.URL(url).host))
        plain = {"Accept-Encoding": "identity"}
        async with (
            httpx.AsyncClient(transport=transport) as client,
            client.stream("GET", url, headers=plain) as response,
        ):
            if response.has_redirect_location:
                url = urljoin(url, response.headers["Location"])
                continue
            if response.status_code != httpx.codes.OK:
                raise NotFetchedError(f"status {response.status_code}")
            n_received = 0
            with path.open("wb") as file:
                async for chunk in response.aiter_raw():
                    n_received += len(chunk)
                    if n_received > MAX_FETCHED:
                        raise NotFetchedError(f"more than {MAX_FETCHED >> 20} MB")
                    file.write(chunk)
            return
    raise NotFetchedError(f"more than {MAX_REDIRECTS} redirects")


processing_utils.async_ssrf_protected_download = fetch  # there is no other way in
