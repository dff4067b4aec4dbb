"""Cohere's wire format: rerank, versions 1 and 2.

Source: https://docs.cohere.com/reference/rerank
"""

from collections.abc import Callable

from governance.demo.script import text_of
from governance.demo.wire import Answer, BadRequest, Call, Endpoint, Wire, json_answer, new_id


def error(status: int, message: str) -> dict[str, object]:
    return {"id": new_id(""), "message": message}


WIRE = Wire(error)


def rerank(version: int) -> Callable[[Call], Answer]:
    """Order documents by the share of the query's words that they contain; billed as one search, without tokens."""

    def answer(call: Call) -> Answer:
        query, documents = call.body.get("query"), call.body.get("documents")
        if not isinstance(query, str) or not isinstance(documents, list) or not documents:
            raise BadRequest("you must provide a `query`, a text, and `documents`, a list")
        texts = [text_of(one if isinstance(one, str) else [one]) for one in documents]
        scores = [_score(query, text) for text in texts]
        ranks = sorted(range(len(texts)), key=lambda index: (-scores[index], index))
        top = call.body.get("top_n")
        with_texts = version == 1 and call.body.get("return_documents") is True
        results = [
            {
                "index": index,
                "relevance_score": scores[index],
                **({"document": {"text": texts[index]}} if with_texts else {}),
            }
            for index in ranks[: top if isinstance(top, int) else None]
        ]
        meta = {"api_version": {"version": str(version)}, "billed_units": {"search_units": 1}}
        return json_answer({"id": new_id(""), "results": results, "meta": meta})

    return answer


def _score(query: str, text: str) -> float:
    words = set(query.lower().split())
    return round(len(words & set(text.lower().split())) / max(1, len(words)), 4)


ENDPOINTS = (Endpoint("/v1/rerank", WIRE, rerank(1)), Endpoint("/v2/rerank", WIRE, rerank(2)))
