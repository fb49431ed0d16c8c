"""An HTTP app as users write them: jobs are POSTed, the body says what to do with them.

    http_app.py PORT FOLDER

Files in FOLDER steer it: while `404` is there it has no such path, while `not-ready` is there
GET /ready answers 503, and `go` releases the jobs that wait. It leaves `runs` (a line a job: time,
id, attempt), `refused` (a line a job that it had no path for) and `closed` (a line a request that
the client ended).
"""
import http.server
import json
import os
import select
import socket
import sys
import threading
import time

PORT, HERE = int(sys.argv[1]), sys.argv[2]
LOCK = threading.Lock()
INSIDE = 0


def there(name):
    return os.path.exists(os.path.join(HERE, name))


def note(name, text):
    with LOCK, open(os.path.join(HERE, name), "a", encoding="utf-8") as file:
        file.write(text + "\n")


class App(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(503 if there("not-ready") else 200)

    def wait(self, done):
        """True when `done()`; false when the client ended the connection before."""
        while not done():
            readable, _, _ = select.select([self.connection], [], [], 0.01)
            try:
                if readable and not self.connection.recv(1, socket.MSG_PEEK):
                    raise ConnectionResetError
            except ConnectionError:
                note("closed", self.headers["WP-Job-Id"])
                return False
        return True

    def do_POST(self):
        global INSIDE
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if there("404"):
            note("refused", self.headers["WP-Job-Id"])
            return self.answer(404, b"no such path yet")
        note("runs", f"{time.time()} {self.headers['WP-Job-Id']} {self.headers['WP-Attempt']}")
        job = json.loads(body)
        envelope = self.headers.get("WP-Envelope") == "job"
        order = job["payload"] if envelope else job
        if order.get("wait") and not self.wait(lambda: there("go")):
            return None
        if "together" in order:  # until so many are inside at once
            with LOCK:
                INSIDE += 1
            if not self.wait(lambda: INSIDE >= order["together"]):
                return None
        if order.get("only-first") and self.headers["WP-Attempt"] != "1":
            order = {}
        if "later" in order and not there(order["once"]):
            note(order["once"], "")
            return self.answer(429, headers=[("Retry-After", order["later"])])
        if "status" in order:
            return self.answer(order["status"], b"as asked")
        if "patch" in order:
            said = {"result": "patched", "session": order["patch"]}
            return self.answer(200, json.dumps(said).encode(), [("WP-Envelope", "result")])
        facts = {"body": job, "headers": {k.lower(): v for k, v in self.headers.items()}}
        return self.answer(200, json.dumps(facts).encode())


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


Server(("127.0.0.1", PORT), App).serve_forever()
