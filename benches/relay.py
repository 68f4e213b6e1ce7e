"""Both ends of `seqera relay`, for benches/relay.sh: what a request costs more through it, and what it holds in
memory while 64 MiB pass each way."""

import http.client
import http.server
import os
import statistics
import sys
import time
import urllib.parse

MUCH = 64 << 20
PIECE = b"x" * (1 << 16)


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer in one piece: two would wait for each other (Nagle's algorithm).
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_GET(self):
        self.send_response(200)
        if self.path.endswith("/much"):
            self.send_header("Content-Length", str(MUCH))
            self.end_headers()
            for _ in range(MUCH // len(PIECE)):
                self.wfile.write(PIECE)
            return
        body = b'{"user": {"id": 1}}'
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, len(PIECE))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def ask(connection, path, token, method="GET", body=None):
    headers = {"Authorization": f"Bearer {token}"}
    if body is not None:
        headers["Content-Length"] = str(MUCH)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    while answer.read(len(PIECE)):
        pass
    assert answer.status == 200, answer.status


def seconds(connection, path, token, times):
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        ask(connection, path, token)
        spent.append(time.perf_counter() - began)
    return spent


def measure(direct, relayed, word, pid):
    connect = lambda url: (http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc), urllib.parse.urlsplit(url).path)
    (near, near_path), (far, far_path) = connect(direct), connect(relayed)
    for connection, path, token in ((near, near_path, "x"), (far, far_path, word)):
        seconds(connection, path + "/user-info", token, 200)
    # In turn, round after round: what else the machine does is the same for both.
    plain, through = [], []
    for _ in range(20):
        plain += seconds(near, near_path + "/user-info", "x", 100)
        through += seconds(far, far_path + "/user-info", word, 100)
    added = 1000 * (statistics.median(through) - statistics.median(plain))
    print(f"relay: {added:.3f} ms more a request (median of {len(plain)}; at most 1 ms)")
    before = peak(pid)
    ask(far, far_path + "/much", word)
    ask(far, far_path + "/much", word, "PUT", iter(lambda: next(pieces, b""), b""))
    held = peak(pid) - before
    print(f"relay: {held} KiB more in memory while 64 MiB pass each way (at most 8192 KiB), {peak(pid)} KiB in all")
    sys.exit(added > 1 or held > 8192)


pieces = iter([PIECE] * (MUCH // len(PIECE)))


def peak(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


if sys.argv[1] == "serve":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    print(f"http://127.0.0.1:{server.server_port}/api", flush=True)
    server.serve_forever()
else:
    measure(sys.argv[2], os.environ["TOWER_API_ENDPOINT"], os.environ["TOWER_ACCESS_TOKEN"], int(sys.argv[3]))
