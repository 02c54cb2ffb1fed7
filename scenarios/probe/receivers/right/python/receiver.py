"""A receiver of the HTTP API destination to copy from: Python's standard library and nothing else."""

import hmac
import json
import math
import os
import re
import signal
import ssl
import sys
import threading
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

MAX_BODY = 4 << 20  # bytes; ten profiles with 250 named audiences each are about 1 MB
MAX_IN_FLIGHT = 128  # messages at once; with MAX_BODY it bounds the memory, to 512 MB
TOKEN = os.environ.get("TOKEN", "")

# --- what a message means ---


class NoProfile(Exception):
    pass


def need(ok, what):
    if not ok:
        raise NoProfile(what)


def parse(message):
    """Reads the three forms of a message: a profile, a list of them, and a list in a wrapper.

    It refuses what is no profile, and nothing for what it does not know.
    """
    if isinstance(message, dict) and len(message) == 1 and isinstance(message.get("profiles"), list):
        message = message["profiles"]
    return [Profile(document) for document in (message if isinstance(message, list) else [message])]


class Profile:
    """One document of a message, and what is stored of a person."""

    def __init__(self, document):
        need(isinstance(document, dict), "a profile is an object")
        self.attributes = dict(document)
        self.identity_map = self.attributes.pop("identityMap", {})
        membership = self.attributes.pop("segmentMembership", {})
        need(isinstance(self.identity_map, dict), "identityMap is an object")
        need(isinstance(membership, dict), "segmentMembership is an object")
        self.identities = []
        for namespace, identities in self.identity_map.items():
            need(isinstance(identities, list) and all(isinstance(i, dict) for i in identities), f"identityMap.{namespace} is a list of objects")
            self.identities += [(namespace, i["id"]) for i in identities if isinstance(i.get("id"), str) and i["id"]]
        self.entries = {}
        for namespace, audiences in membership.items():
            need(isinstance(audiences, dict), f"segmentMembership.{namespace} is an object")
            for audience, fields in audiences.items():
                need(isinstance(fields, dict), f"segmentMembership.{namespace}.{audience} is an object")
                # existing is in older samples; a status that is unknown is left alone.
                status = "realized" if fields.get("status") == "existing" else fields.get("status")
                qualified = moment(fields.get("lastQualificationTime"))
                if status in ("realized", "exited"):
                    # An exit keeps the time of the qualification that it ends, so of
                    # two at the same time it is the later.
                    self.entries[namespace, audience] = ((qualified, status == "exited"), {**fields, "status": status})

    def take(self, entries):
        """Stores entries one by one, and says whether none was older than the stored one."""
        current = True
        for key, (state, fields) in entries.items():
            if key in self.entries and self.entries[key][0] > state:
                current = False
            else:
                self.entries[key] = (state, fields)
        return current

    def document(self):
        membership = {}
        for (namespace, audience), (_, fields) in self.entries.items():
            membership.setdefault(namespace, {})[audience] = fields
        return {**self.attributes, "segmentMembership": membership, "identityMap": self.identity_map}


def moment(text):
    """Reads the five published forms of a time: Z, +0000 or +00:00, and each with a fraction."""
    if text is None:
        return datetime.min.replace(tzinfo=timezone.utc)
    for form in ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"):
        try:
            return datetime.strptime(text, form)
        except (TypeError, ValueError):
            pass
    raise NoProfile(f"lastQualificationTime {text!r} is no time")


class Store:
    """Keeps profiles in memory. Yours keeps them where they survive."""

    def __init__(self):
        self.lock = threading.Lock()
        self.profiles = {}  # (namespace, id) -> profile, by each of its identities

    def add(self, messages):
        """The same twice is as once, and an older message after a newer one changes nothing that the newer one said."""
        with self.lock:
            for message in messages:
                if message.identities:  # else there is nobody to store it for
                    self.put(message)

    def put(self, message):
        found = list({id(p): p for p in map(self.profiles.get, message.identities) if p}.values())
        profile = found[0] if found else Profile({})
        for other in found[1:]:  # two that turn out to be one person
            profile.take(other.entries)
            profile.identities += other.identities
        # A message with an entry from before the stored one was made before it. So
        # were its attributes and identities, which have no time of their own.
        if profile.take(message.entries):
            for identity in profile.identities:
                self.profiles.pop(identity, None)
            profile.identities, profile.identity_map, profile.attributes = message.identities, message.identity_map, message.attributes
        for identity in profile.identities:
            self.profiles[identity] = profile

    def document(self, identity):
        with self.lock:
            profile = self.profiles.get(identity)
            return profile and profile.document()


STORE = Store()
SLOTS = threading.BoundedSemaphore(MAX_IN_FLIGHT)

# --- how it is served ---


class TooLong(Exception):
    pass


def refuse(constant):
    raise ValueError(f"{constant} is no JSON")


def number(text):
    """A float, or nothing for a number beyond its range: JSON has no infinity to give back."""
    value = float(text)
    return value if math.isfinite(value) else None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive
    # The sender closes a socket that is idle for 60 s. A server that closes it
    # earlier may do so just when the next message is on its way.
    timeout = 75
    disable_nagle_algorithm = True

    def setup(self):
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(10)
            self.request.do_handshake()  # here, in a thread of its own: nobody waits for a slow client
        super().setup()

    def dispatch(self):
        length = self.headers.get("Content-Length", "0")
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        self.unread = "chunked" if chunked else int(length) if length.isdecimal() else 5 * MAX_BODY
        self.route()
        while isinstance(self.unread, int) and 0 < self.unread <= 4 * MAX_BODY:
            # What nobody wanted would be taken for the next request, and a socket
            # closed upon it be a reset instead of the answer.
            skipped = len(self.rfile.read(min(self.unread, 1 << 16)))
            self.unread = self.unread - skipped if skipped else "cut off"
        if self.unread:
            self.close_connection = True

    def route(self):
        # Credentials come first, on every route: nothing is read from a stranger.
        if not self.admits():
            return self.answer(401, "credentials are missing or wrong", {"WWW-Authenticate": "Bearer"})
        path = urlsplit(self.path).path  # a destination may add a query
        state = re.fullmatch("/state/([^/]+)", path)
        if path == "/profiles" and self.command == "POST":
            return self.receive()
        if path == "/profiles":
            return self.answer(405, headers={"Allow": "POST"})
        # For the probe, which reads back what was stored.
        document = STORE.document(("ecid", unquote(state[1]))) if state and self.command == "GET" else None
        if document is None:
            return self.answer(404)
        self.answer(200, json.dumps(document), {"Content-Type": "application/json"})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = dispatch

    def admits(self):
        if not TOKEN:
            return True
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.encode("latin-1"), TOKEN.encode())

    def receive(self):
        # Overload is 429 or 503, which a sender repeats under every policy.
        if not SLOTS.acquire(blocking=False):
            return self.answer(503, "too many messages at once", {"Retry-After": "5"})
        try:
            profiles = parse(json.loads(self.body(), parse_constant=refuse, parse_float=number))
            # What is answered with 2xx is never sent again: store first, durably,
            # then answer, and leave everything that takes long for afterwards.
            STORE.add(profiles)
            self.answer(204)
        except TooLong:
            self.answer(413, "the body is too long")
        except NoProfile as error:
            self.answer(422, str(error))
        except (ValueError, RecursionError):
            self.answer(400, "the body is not JSON")
        finally:
            SLOTS.release()

    def body(self):
        """The whole body, by its length or in chunks."""
        if self.unread != "chunked":
            if self.unread > MAX_BODY:
                raise TooLong
            length, self.unread = self.unread, 0
            return self.rfile.read(length)
        body = bytearray()
        while size := int(self.rfile.readline(1000).split(b";")[0], 16):
            if len(body) + size > MAX_BODY:
                raise TooLong
            body += self.rfile.read(size)
            self.rfile.readline(1000)
        while self.rfile.readline(1000) not in (b"\r\n", b"\n", b""):
            pass
        self.unread = 0
        return body

    def answer(self, status, text="", headers={}):
        self.send_response(status)
        if status != 204:
            headers = {"Content-Type": "text/plain", "Content-Length": str(len(text.encode())), **headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format, *args):
        pass  # a line for each message is for a day when something is wrong


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # a burst opens many sockets at once; the default is 5

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):  # a sender that went away, or whose certificate is not trusted, is none
            super().handle_error(request, client_address)


def tls_context(cert, key, client_ca):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)  # the chain: the certificate, then its intermediates
    if client_ca:
        # mTLS-only: requesting a certificate without requiring it would leave
        # TLS enabled, and the sender would present none. The authorities of both of
        # its hierarchies are in that file.
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


def main():
    host, port = os.environ.get("LISTEN", "127.0.0.1:8443").rsplit(":", 1)
    cert, client_ca = os.environ.get("CERT"), os.environ.get("CLIENT_CA")
    if client_ca and not cert:
        sys.exit("CLIENT_CA needs CERT and KEY")
    server = Server((host, int(port)), Handler)
    if cert:
        context = tls_context(cert, os.environ.get("KEY"), client_ca)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(f"listening on {'https' if cert else 'http'}://{host}:{server.server_port}", flush=True)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    deadline = time.monotonic() + 5
    for _ in range(MAX_IN_FLIGHT):  # what is under way is answered
        SLOTS.acquire(timeout=max(0, deadline - time.monotonic()))


if __name__ == "__main__":
    main()
