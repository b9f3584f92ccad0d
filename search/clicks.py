"""Which results are opened: told by the search page's script, without a cookie or an identifier."""

from typing import Any
from urllib.parse import parse_qs

from litestar import Request, post
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler

from registry.web.authentication import CurrentActor
from registry.web.language import LANGUAGES
from search import statistics

AnyRequest = Request[Any, Any, Any]
CLICK_PATH = "/search/click"
LARGEST_BODY = 4_096
MOST_FIELDS = 10


@post(CLICK_PATH, status_code=204, include_in_schema=False, request_max_body_size=LARGEST_BODY)
async def click(request: AnyRequest, actor: CurrentActor) -> None:
    """Count a click on a result: `q`, `lang` and `place` (1 is the first) as a form. Nonsense is not answered."""
    if _declined(request):
        return
    try:
        sent = parse_qs((await request.body()).decode(), max_num_fields=MOST_FIELDS)
        question, code, place = sent["q"][0], sent["lang"][0], int(sent["place"][0])
    except (HTTPException, KeyError, ValueError):
        return
    if code in LANGUAGES:
        statistics.clicked(actor, question, code, place)


def _declined(request: AnyRequest) -> bool:
    """Whether the visitor asks not to be followed, or another site sends this."""
    headers = request.headers
    return "1" in {headers.get("dnt"), headers.get("sec-gpc")} or headers.get("sec-fetch-site") == "cross-site"


HANDLERS: list[ControllerRouterHandler] = [click]
