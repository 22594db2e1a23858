"""Servers in the place of Google (legacy and new) and Overpass: they answer in their form, or badly in any way asked for."""

import contextlib
import http.server
import json
import pathlib
import socket
import ssl
import struct
import subprocess
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
    Google's legacy Nearby Search; the classes below are the others.

    with FakePlaces() as fake:
        fake.url                       for places.google_legacy_url; https with an authority
        fake.answer(body, status=200)  what every request gets from now on (at first: three cafes)
        fake.answer_by(function)       the same, made by a function of what fake.requests will have
        fake.misbehave("hang")         one of: hang, cut, reset, garbage, close, drip, huge
        fake.delay(0.2)                before every answer
        fake.requests                  what was asked, as dictionaries, oldest first
        fake.at_once_max               the most requests that were there at the same time
    """

    path = PATH

    def __init__(self, host="127.0.0.1", authority=None):
        self.requests = []
        self.at_once_max = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._body = self._usual_body().encode()
        self._headers = {}
        self._answer_by = None
        self._status = 200
        self._misbehaviour = None
        self._delay_s = 0
        self._ended = threading.Event()
        self._scheme = "https" if authority else "http"
        context = authority.server_context(host) if authority else None
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fake._handle(self)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def get_request(self):
                connection, address = super().get_request()
                if context:  # the handshake is done by the thread that reads first
                    connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                return connection, address

            def handle_error(self, *_):
                pass  # whoever asks may go at any time

        self._server = Server((host, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self):
        return "%s://%s:%d" % (self._scheme, *self._server.server_address[:2])

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body, status=200, **headers):
        self._body = body if isinstance(body, bytes) else body.encode()
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self._status = status
        self._misbehaviour = None
        self._answer_by = None

    def answer_by(self, function):
        self._answer_by = function

    def misbehave(self, how):
        assert hasattr(self, f"_{how}"), how
        self._misbehaviour = how

    def delay(self, seconds):
        self._delay_s = seconds

    # ---- What differs between the services ----

    def _usual_body(self):
        return legacy_text(["Cruise Bar", "Zürich <1>", "Third"])

    def _question(self, handler):
        """What a request asks, for self.requests."""
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(handler.path).query, keep_blank_values=True))

    # ---- Answering ----

    @contextlib.contextmanager
    def _counted(self):
        with self._lock:
            self._at_once += 1
            self.at_once_max = max(self.at_once_max, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def _handle(self, handler):
        with self._counted():  # until it is answered: whoever has an answer may ask again at once
            question = self._question(handler)
            self.requests.append(question)
            self._ended.wait(self._delay_s)
        with contextlib.suppress(OSError):
            if self._misbehaviour:
                handler.close_connection = True
                getattr(self, f"_{self._misbehaviour}")(handler)
            elif urllib.parse.urlsplit(handler.path).path != self.path:
                self._send(handler, 404, b"<html>Not here</html>")
            elif self._answer_by:
                self._send(handler, 200, self._answer_by(question).encode())
            else:
                self._send(handler, self._status, self._body)

    def _send(self, handler, status, body, length=None):
        handler.send_response(status)
        for name, value in self._headers.items():
            handler.send_header(name, value)
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


def new_places(names):
    """A body as Places API (New) sends it."""
    return json.dumps({"places": [
        {
            "id": f"fake-{number}",
            "types": ["cafe"],
            "location": {"latitude": -33.8587323, "longitude": 151.2100055},
            "displayName": {"text": name, "languageCode": "en"},
            "rating": 4.5,
        }
        for number, name in enumerate(names)
    ]}, ensure_ascii=False, indent=2) if names else "{}"


class FakeNewGoogle(FakePlaces):
    """Places API (New), for places.google_url."""

    path = "/v1/places:searchNearby"

    def _usual_body(self):
        return new_places(["Cruise Bar", "Zürich <1>", "Third"])

    def _question(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        return {
            "method": handler.command,
            "key": handler.headers.get("X-Goog-Api-Key"),
            "mask": handler.headers.get("X-Goog-FieldMask"),
            "type": handler.headers.get("Content-Type"),
            "via": handler.headers.get("Via"),
            "body": json.loads(body),
        }


def overpass_elements(*elements, **more):
    """A body as Overpass sends it, of (id, latitude, longitude, tags)."""
    return json.dumps({"version": 0.6, **more, "elements": [
        {"type": "node", "id": number, "lat": latitude, "lon": longitude, "tags": tags}
        for number, latitude, longitude, tags in elements
    ]}, ensure_ascii=False)


class FakeOverpass(FakePlaces):
    """An Overpass server; its url and its path are places.overpass_url."""

    path = "/api/interpreter"

    @property
    def turn_file(self):
        """What the workers of a machine share about this server, as places-worker/machine_turn.c names it, by its fnv_digest."""
        number = 0xCBF29CE484222325
        for byte in (self.url + self.path).encode():
            number = (number ^ byte) * 0x100000001B3 % 2**64
        return pathlib.Path(f"/dev/shm/herd-turn-{number:016x}")

    def __exit__(self, *_):
        super().__exit__(*_)
        self.turn_file.unlink(missing_ok=True)

    def _usual_body(self):
        return overpass_elements()

    def _question(self, handler):
        form = handler.rfile.read(int(handler.headers.get("Content-Length", 0))).decode()
        query = urllib.parse.parse_qs(form)["data"][0]
        return {
            "method": handler.command,
            "agent": handler.headers.get("User-Agent"),
            "query": query,
            "radius": int(query.split("(around:")[1].split(",")[0]),
        }


class Authority:
    """A certificate authority that nobody else trusts; `ca_file` is for places.ca_file."""

    def __init__(self, folder):
        self._folder = folder
        self.ca_file = folder / "ca.pem"
        self._request("ca", "-addext", "basicConstraints=critical,CA:TRUE")

    def certificate_for(self, host):
        """Files of a certificate for this address, and of its key."""
        self._request(host, "-CA", self.ca_file, "-CAkey", self._folder / "ca.key", "-addext", f"subjectAltName=IP:{host}",
                      "-addext", "basicConstraints=critical,CA:FALSE")
        return self._folder / f"{host}.pem", self._folder / f"{host}.key"

    def server_context(self, host):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate_for(host))
        return context

    def _request(self, name, *more):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", f"/CN={name}", "-keyout", self._folder / f"{name}.key",
             "-out", self._folder / f"{name}.pem", *more],
            check=True, capture_output=True)
