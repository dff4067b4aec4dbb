"""A provider of any kind for endpoints beside chat: it keeps what it was asked."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.e2e.listening import Listening

USED = {"input_tokens": 300, "output_tokens": 40, "total_tokens": 340}
# What providers answer, by the end of the path.
ANSWERS: dict[str, dict[str, Any]] = {
    "/responses/compact": {"object": "response.compaction", "created_at": 1, "output": [], "usage": USED},
    "/converse": {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 300, "outputTokens": 40, "totalTokens": 340},
    },
    "/ocr": {
        "pages": [{"index": 0, "markdown": "Hi"}],
        "model": "mistral-ocr-latest",
        "usage_info": {"pages_processed": 3, "doc_size_bytes": 1},
    },
    "/videos": {
        "object": "video",
        "created_at": 1,
        "status": "queued",
        "model": "sora-2",
        "seconds": "4",
        "size": "720x1280",
    },
    "/unknown": {"said": 'Hi, "usage": {"input_tokens": 9}', "usage": USED},
}


class Recorder(Listening):
    """Any provider: keeps what it was asked, and answers with an empty object."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                sent = self.rfile.read(int(self.headers.get("content-length") or 0))
                recorder.asked.append(f"{self.command} {self.path}")
                path = self.path.partition("?")[0]
                answer = next((found for end, found in ANSWERS.items() if path.endswith(end)), {"object": "x"})
                content = json.dumps({"id": "x", **answer}).encode()
                if b'"stream": true' in sent or b'"stream":true' in sent:
                    content = b"data: {}\n\ndata: " + content + b"\n\ndata: [DONE]\n\n"
                self.send_response(200)
                self.send_header("content-type", "text/event-stream" if content[:1] == b"d" else "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        super().__init__(Handler)
