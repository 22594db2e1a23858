"""A server in the place of Google's legacy Nearby Search: answers in its form, or badly in any way that is asked for."""

import contextlib
import http.server
import json
import socket
import struct
import threading
import urllib.parse

PATH = "/maps/api/place/nearbysearch/json"
WITHIN_S = 60  # nothing here waits longer


def legacy_text(names, status="OK", **more):
    """A body as Google writes it since 2023: keys in order, brackets on lines of their own, empty arrays inline."""
    results = [
        {
            "business_status": "OPERATIONAL",
            "geometry": {"location": {"lat": -33.8587323, "lng": 151.2100055 + number / 1000}},
            "name": name,
            "place_id": f"fake-{number}",
            "types": ["cafe", "point_of_interest"],
            "vicinity": "1 Circular Quay <The Rocks>",
        }
        for number, name in enumerate(names)
    ]
    return _text({"html_attributions": [], **more, "results": results, "status": status}, 0) + "\n"


def legacy_text_of_old(names, status="OK"):
    """The same as Google wrote it until 2022: brackets behind their keys, short arrays inline."""
    results = ",\n".join(
        '      {\n         "name" : %s,\n         "types" : [ "cafe", "food" ]\n      }' % _text(name, 0) for name in names)
    body = "[\n" + results + "\n   ]" if names else "[]"
    return '{\n   "html_attributions" : [],\n   "results" : %s,\n   "status" : "%s"\n}\n' % (body, status)


def _text(value, depth):
    indent = "\n" + "   " * depth
    if isinstance(value, dict) and value:
        members = (f"{indent}   {_text(key, 0)} : {_member(value[key], depth + 1)}" for key in sorted(value))
        return "{" + ",".join(members) + indent + "}"
    if isinstance(value, list) and value:
        return "[" + ",".join(indent + "   " + _text(element, depth + 1) for element in value) + indent + "]"
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


def _member(value, depth):
    starts_line = isinstance(value, (dict, list)) and value
    return ("\n" + "   " * depth if starts_line else "") + _text(value, depth)


class FakePlaces:
    """
    with FakePlaces() as fake:
        fake.url                       for places.google_legacy_url
        fake.answer(body, status=200)  what every request gets from now on (at first: three cafes)
        fake.misbehave("hang")         one of: hang, cut, reset, garbage, close, drip, huge
        fake.delay(0.2)                before every answer
        fake.requests                  the queries, as dictionaries, oldest first
    """

    def __init__(self, host="127.0.0.1"):
        self.requests = []
        self._body = legacy_text(["Cruise Bar", "Zürich <1>", "Third"]).encode()
        self._status = 200
        self._misbehaviour = None
        self._delay_s = 0
        self._ended = threading.Event()
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fake._handle(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass  # whoever asks may go at any time

        self._server = Server((host, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self):
        return "http://%s:%d" % self._server.server_address[:2]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body, status=200):
        self._body = body if isinstance(body, bytes) else body.encode()
        self._status = status
        self._misbehaviour = None

    def misbehave(self, how):
        assert hasattr(self, f"_{how}"), how
        self._misbehaviour = how

    def delay(self, seconds):
        self._delay_s = seconds

    def _handle(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        self.requests.append(dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)))
        self._ended.wait(self._delay_s)
        with contextlib.suppress(OSError):
            if self._misbehaviour:
                handler.close_connection = True
                getattr(self, f"_{self._misbehaviour}")(handler)
            elif url.path != PATH:
                self._send(handler, 404, b"<html>Not here</html>")
            else:
                self._send(handler, self._status, self._body)

    def _send(self, handler, status, body, length=None):
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json; charset=UTF-8")
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    # ---- Bad manners ----

    def _hang(self, _):
        self._ended.wait(WITHIN_S)

    def _cut(self, handler):
        self._send(handler, 200, self._body[: len(self._body) // 2], length=len(self._body))

    def _reset(self, handler):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _close(self, _):
        pass

    def _garbage(self, handler):
        handler.wfile.write(b"\x00\xff not HTTP \r\n" * 10)

    def _huge(self, handler):
        self._send(handler, 200, b'{"results" : [' + b" " * (8 << 20) + b"]}")

    def _drip(self, handler):
        self._send(handler, 200, b"", length=len(self._body))
        for byte in self._body:
            if self._ended.wait(0.05):
                return
            handler.wfile.write(bytes([byte]))
