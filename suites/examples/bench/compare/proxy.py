# Joins standard input and output with the socket that the first argument names: `ssh` talks through it.
import os
import socket
import sys
import threading

PIECE = 65536

guest = socket.socket(socket.AF_UNIX)
guest.connect(sys.argv[1])


def receive():
    for piece in iter(lambda: guest.recv(PIECE), b""):
        os.write(1, piece)
    # The machine is gone, and so is `ssh`, which would go on for a minute, in case somebody asks again.
    os._exit(0)


threading.Thread(target=receive, daemon=True).start()
for piece in iter(lambda: os.read(0, PIECE), b""):
    guest.sendall(piece)
