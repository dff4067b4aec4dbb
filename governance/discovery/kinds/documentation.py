"""Names of models on a page, for providers without an API that lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from governance.discovery.fields import model_name
from governance.discovery.outbound import Outbound
from governance.discovery.source import DiscoveryFailed, Found

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

# So that words of a page are not taken for models: one word in lower case, with a digit or a hyphen.
_NAME: Final = re.compile(r"(?=[^-\d]*[-\d])[a-z0-9~@][a-z0-9._:/@~-]{2,99}")
_HEADING: Final = re.compile(r"\b(model|model id|model name|id|api name)\b", re.IGNORECASE)


async def read(outbound: Outbound) -> list[Found]:
    """What the selector finds on the page or, without one, the first column of its tables of models.

    A page says which models there are; nothing else of it is trusted.
    """
    # Only now: most sources are no pages, and this is 3 MB.
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    source = outbound.source
    if not source.docs_url:
        raise DiscoveryFailed("no page is known; give its `docs_url`")
    page = LexborHTMLParser(await outbound.page(source.docs_url))
    try:
        nodes = page.css(source.selector) if source.selector else list(_in_tables(page))
    except (SelectolaxError, ValueError):
        raise DiscoveryFailed(f"`{source.selector}` is no CSS selector") from None
    names = (model_name(node.text(strip=True)) for node in nodes)
    return [Found(name) for name in dict.fromkeys(names) if name and _NAME.fullmatch(name)]


def _in_tables(page: LexborHTMLParser) -> Iterator[LexborNode]:
    for table in page.css("table"):
        heading = table.css_first("th")
        if heading is None or not _HEADING.search(heading.text(strip=True)):
            continue
        for row in table.css("tr"):
            cell = row.css_first("td")
            if cell is not None:
                yield cell.css_first("code") or cell
