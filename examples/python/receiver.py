"""A small receiver of the HTTP API destination, with Python's standard library."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps the connection for the next message
    profiles = {}  # the newest body of each profile, by its ECID

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            profile = json.loads(body)
            for identity in profile["identityMap"].get("ecid", []):
                self.profiles[identity["id"]] = profile
            status = 200
        except (ValueError, TypeError, KeyError, AttributeError):
            status = 400  # wrong however often it is repeated
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # the default of 5 refuses connections in a burst
    daemon_threads = True


if __name__ == "__main__":
    Server(("127.0.0.1", 8080), Receiver).serve_forever()
