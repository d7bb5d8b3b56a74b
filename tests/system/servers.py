# SPDX-License-Identifier: GPL-2.0-or-later
"""Honest servers for the tests with real tools: `servers.py KIND ARGUMENT...` prints "ready" and serves until killed.

  pages FIRST COUNT   HTTP on COUNT ports
  ftp FOLDER          FTP on port 21: user reader, password secret
  stream PORT         TCP: sends as many bytes as the client's first line asks for, then takes what the client sends
  echo PORT           UDP: sends back what comes
  blocks PORT         UDP: answers with as many bytes as are asked for, in one datagram that becomes fragments
"""
import http.server
import logging
import socket
import socketserver
import sys
import threading


def ready():
    print("ready", flush=True)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hello\n" * 500
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class WebServer(http.server.ThreadingHTTPServer):
    request_queue_size = 128


def pages(first, count):
    for port in range(int(first), int(first) + int(count)):
        threading.Thread(target=WebServer(("", port), Page).serve_forever).start()
    ready()


def ftp(folder):
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.servers import FTPServer

    logging.disable(logging.CRITICAL)
    FTPHandler.authorizer = DummyAuthorizer()
    FTPHandler.authorizer.add_user("reader", "secret", folder)
    FTPHandler.auth_failed_timeout = 0.1
    server = FTPServer(("", 21), FTPHandler)
    ready()
    server.serve_forever(handle_exit=False)


class Stream(socketserver.StreamRequestHandler):
    def handle(self):
        block = bytes(65536)
        for _ in range(int(self.rfile.readline() or 0) // len(block)):
            self.wfile.write(block)
        while self.rfile.read(len(block)):
            pass


class StreamServer(socketserver.ThreadingTCPServer):
    request_queue_size = 128
    daemon_threads = True


def stream(port):
    server = StreamServer(("", int(port)), Stream)
    ready()
    server.serve_forever()


def answer_datagrams(port, answer):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    s.bind(("", int(port)))
    ready()
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(answer(data), peer)


def echo(port):
    answer_datagrams(port, lambda data: data)


def blocks(port):
    answer_datagrams(port, lambda data: bytes(int(data.split()[0])))


if __name__ == "__main__":
    {f.__name__: f for f in (pages, ftp, stream, echo, blocks)}[sys.argv[1]](*sys.argv[2:])
