"""Passes connections on to a server: forward.py PORT TO_PORT. Killed, it cuts them in the middle and takes no others."""

import socket
import sys
import threading


def passed(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


port, to = map(int, sys.argv[1:])
listener = socket.create_server(("127.0.0.1", port), backlog=64)
while True:
    client, _ = listener.accept()
    try:
        server = socket.create_connection(("127.0.0.1", to))
    except OSError:
        client.close()
        continue
    for ends in ((client, server), (server, client)):
        threading.Thread(target=passed, args=ends, daemon=True).start()
