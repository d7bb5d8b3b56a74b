# SPDX-License-Identifier: GPL-2.0-or-later
"""The honest neighbour: `serve` answers on the gateway, `use ADDRESS` browses, resolves and pings until stdin closes.

Prints one JSON object with the tries and failures of each kind. Each try has one second and no second chance.
"""
import http.client
import http.server
import json
import os
import select
import socket
import struct
import sys
import threading
import time

HTTP_PORT, UDP_PORT = 8080, 5353


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hello\n" * 500
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 128


def echo_datagrams():
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("::", UDP_PORT))
    while True:
        data, peer = s.recvfrom(2048)
        s.sendto(data, peer)


def serve():
    threading.Thread(target=echo_datagrams, daemon=True).start()
    server = Server(("::", HTTP_PORT), Page)
    print("ready", flush=True)
    server.serve_forever()


def browse(address, _):
    connection = http.client.HTTPConnection(address, HTTP_PORT, timeout=1)
    try:
        connection.request("GET", "/")
        return len(connection.getresponse().read()) == 3000
    finally:
        connection.close()


def resolve(address, number):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.connect((address, UDP_PORT))
        s.send(b"%d" % number)
        return s.recv(100) == b"%d" % number


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def ping(address, number):
    v6 = ":" in address
    family, protocol = (socket.AF_INET6, 58) if v6 else (socket.AF_INET, 1)
    request, reply = (128, 129) if v6 else (8, 0)
    echo = struct.pack("!BBHHH", request, 0, 0, os.getpid() & 0xFFFF, number & 0xFFFF)
    if not v6:
        echo = echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:]
    with socket.socket(family, socket.SOCK_RAW, protocol) as s:
        s.connect((address, 0))
        s.send(echo)
        end = time.monotonic() + 1
        while select.select([s], [], [], max(0, end - time.monotonic()))[0]:
            data = s.recv(2048)
            if not v6:
                data = data[(data[0] & 15) * 4:]
            if data[0] == reply and data[4:8] == echo[4:8]:
                return True
    return False


def use(addresses):
    counts = {kind.__name__: {"tries": 0, "failures": 0} for kind in (browse, resolve, ping)}
    number = 0
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        for address in addresses:
            for kind in (browse, resolve, ping):
                number += 1
                counts[kind.__name__]["tries"] += 1
                try:
                    good = kind(address, number)
                except OSError:
                    good = False
                counts[kind.__name__]["failures"] += not good
    print(json.dumps(counts))


if __name__ == "__main__":
    serve() if sys.argv[1] == "serve" else use(sys.argv[2:])
